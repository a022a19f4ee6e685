public import Safetensors
internal import Tensors

/// gates.safetensors: `layers.N.attention.logits`, `layers.N.attention.factors` and the same of `mlp`, f32 `[unit]`, and in
/// the metadata what they belong to.
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
  /// - Throws: ``SafetensorsError`` for a damaged file, ``ArtifactError`` for another kind of file.
  public init(contentsOfFile path: String) throws {
    let file = try ArrayFile.open(
      path, format: Self.format, kind: "gate file", remedy: "make it with `espalier tune`")
    func pool(_ name: String) throws -> Pool {
      Pool(logits: try file.tensor(name + ".logits").floats(), factors: try file.tensor(name + ".factors").floats())
    }
    var layers: [Layer] = []
    while file.contains("layers.\(layers.count).attention.logits") {
      let name = "layers.\(layers.count)"
      layers.append(Layer(attention: try pool(name + ".attention"), mlp: try pool(name + ".mlp")))
    }
    func text(_ key: String) -> String { file.metadata[key] ?? "" }
    self.init(
      layers: layers,
      metadata: Metadata(
        modelHash: text(Key.modelHash), planHash: text(Key.planHash), dataHash: text(Key.dataHash)))
  }
}
