public import Safetensors

/// scores.safetensors: `layers.N.attention` and `layers.N.mlp`, f32 `[unit]`, and in the metadata what made them
/// and a SHA-256 over all.
extension ScoreTable {
  private enum Key {
    static let criterion = "criterion"
    static let objective = "objective"
    static let accumulation = "accumulation"
    static let modelHash = "model_hash"
    static let dataHash = "data_hash"
  }
  private static let format = "scores-1"

  /// Writes the table; the file appears under its name only when it is whole.
  ///
  /// - Throws: ``SafetensorsError`` when it cannot be written.
  public func write(to path: String) throws(SafetensorsError) {
    let named = layers.enumerated().flatMap { index, layer in
      [("layers.\(index).attention", layer.attention), ("layers.\(index).mlp", layer.mlp)]
    }
    try ArrayFile.write(
      named,
      metadata: [
        ArrayFile.format: Self.format, Key.criterion: metadata.criterion, Key.objective: metadata.objective,
        Key.accumulation: metadata.accumulation, Key.modelHash: metadata.modelHash, Key.dataHash: metadata.dataHash,
      ], to: path)
  }

  /// Reads a table that `write` wrote.
  ///
  /// - Throws: ``SafetensorsError`` for a file that is none, ``ArtifactError`` for another kind of file or one whose
  ///   contents are not those that were written.
  public init(contentsOfFile path: String) throws {
    let remedy = "make it with `espalier score`"
    let (arrays, metadata) = try ArrayFile.read(path, format: Self.format, kind: "score file", remedy: remedy)
    func text(_ key: String) -> String { metadata[key] ?? "" }
    var layers: [Layer] = []
    while let attention = arrays["layers.\(layers.count).attention"] {
      let mlp = try arrays.array("layers.\(layers.count).mlp", in: path, remedy: remedy)
      layers.append(Layer(attention: attention, mlp: mlp))
    }
    self.init(
      layers: layers,
      metadata: Metadata(
        criterion: text(Key.criterion), objective: text(Key.objective), accumulation: text(Key.accumulation),
        modelHash: text(Key.modelHash), dataHash: text(Key.dataHash)))
  }
}
