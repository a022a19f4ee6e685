internal import Blueprints
internal import Compute

/// The keys, after rotation, and the values of every token so far in one attention sublayer, so that a next token computes
/// none of them again.
///
/// A sequence's rows lie one after another, since that is how attention reads them.
struct KeyValueCache {
  /// `[sequence · length, keyValueHeads · width]`, as are the values; written position by position.
  let keys: Matrix
  let values: Matrix
  private let sequences: Int
  private let length: Int

  /// Room for `sequences` sequences, at least one, of `length` tokens.
  init(_ attention: AttentionSpecification, sequences: Int, length: Int, backend: any ComputeBackend) throws {
    self.sequences = sequences
    self.length = length
    let width = attention.keyValueHeads * attention.headWidth
    keys = try backend.makeMatrix(sequences * length, width, isZeroed: false)
    values = try backend.makeMatrix(like: keys, isZeroed: false)
  }

  /// Where the token at `position` of each sequence has its key and its value, `[sequence, keyValueHeads · width]`.
  func tokens(at position: Int) -> (key: Matrix, value: Matrix) {
    func view(_ whole: Matrix) -> Matrix {
      Matrix(
        buffer: whole.buffer, offset: whole.offset + position * whole.stride, rows: sequences, columns: whole.columns,
        stride: length * whole.stride)
    }
    return (view(keys), view(values))
  }

  /// Each sequence's rows up to the token at `position`.
  func rows(through position: Int) -> [Range<Int>] {
    (0..<sequences).map { $0 * length..<$0 * length + position + 1 }
  }

  /// What one token takes in all of a layer's caches.
  static func bytesPerToken(_ layer: LayerSpecification) -> Int {
    layer.sublayers.reduce(0) { sum, sublayer in
      guard case .attention(let attention) = sublayer.kind else { return sum }
      return sum + 2 * attention.keyValueHeads * attention.headWidth * MemoryLayout<Float>.size
    }
  }
}
