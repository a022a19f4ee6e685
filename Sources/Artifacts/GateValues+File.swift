public import Safetensors

/// gates.safetensors: `layers.N.attention.logits`, `layers.N.attention.factors` and the same of `mlp`, f32 `[unit]`, and in
/// the metadata what they belong to and a SHA-256 over all.
extension GateValues {
  private enum Key {
    static let modelHash = "model_hash"
    static let planHash = "plan_hash"
    static let dataHash = "data_hash"
  }
  private static let format = "gates-1"

  /// Writes the gates; the file appears under its name only when it is whole.
  ///
  /// - Throws: ``SafetensorsError`` when it cannot be written.
  public func write(to path: String) throws(SafetensorsError) {
    let named = layers.enumerated().flatMap { index, layer in
      [
        ("layers.\(index).attention.logits", layer.attention.logits),
        ("layers.\(index).attention.factors", layer.attention.factors),
        ("layers.\(index).mlp.logits", layer.mlp.logits), ("layers.\(index).mlp.factors", layer.mlp.factors),
      ]
    }
    try ArrayFile.write(
      named,
      metadata: [
        ArrayFile.format: Self.format, Key.modelHash: metadata.modelHash, Key.planHash: metadata.planHash,
        Key.dataHash: metadata.dataHash,
      ], to: path)
  }

  /// Reads gates that `write` wrote.
  ///
  /// - Throws: ``SafetensorsError`` for a file that is none, ``ArtifactError`` for another kind of file or one whose
  ///   contents are not those that were written.
  public init(contentsOfFile path: String) throws {
    let remedy = "make it with `espalier tune`"
    let (arrays, metadata) = try ArrayFile.read(path, format: Self.format, kind: "gate file", remedy: remedy)
    func pool(_ name: String) throws -> Pool {
      Pool(
        logits: try arrays.array(name + ".logits", in: path, remedy: remedy),
        factors: try arrays.array(name + ".factors", in: path, remedy: remedy))
    }
    var layers: [Layer] = []
    while arrays["layers.\(layers.count).attention.logits"] != nil {
      let name = "layers.\(layers.count)"
      layers.append(Layer(attention: try pool(name + ".attention"), mlp: try pool(name + ".mlp")))
    }
    func text(_ key: String) -> String { metadata[key] ?? "" }
    self.init(
      layers: layers,
      metadata: Metadata(
        modelHash: text(Key.modelHash), planHash: text(Key.planHash), dataHash: text(Key.dataHash)))
  }
}
