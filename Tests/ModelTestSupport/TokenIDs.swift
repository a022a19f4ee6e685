public import Safetensors
internal import Tensors
internal import TestSupport

extension SafetensorsFile {
  /// The sequences of a golden file's `input_ids`.
  public func sequences() throws -> [[Int32]] {
    let ids = try tensor("input_ids")
    let length = ids.shape.dimensions[1]
    let flat = try ids.integers().map { Int32($0) }
    return stride(from: 0, to: flat.count, by: length).map { Array(flat[$0..<$0 + length]) }
  }
}

/// Seeded sequences of these lengths over a vocabulary.
public func randomSequences(lengths: [Int], vocabularySize: Int, seed: UInt64) -> [[Int32]] {
  var generator = SeededGenerator(seed: seed)
  return lengths.map { length in
    (0..<length).map { _ in Int32.random(in: 0..<Int32(vocabularySize), using: &generator) }
  }
}
