internal import Glibc
package import Tensors

extension StoredTensor {
  /// Bytes compared at a time.
  private static let pieceBytes = 1 << 20

  /// Whether both tensors have the same shape, and the same elements once they are rounded to the narrower of their types.
  ///
  /// It reads the whole of both, up to the first difference, so that it costs what reading them costs.
  package func hasSameElements(as other: StoredTensor) -> Bool {
    guard shape == other.shape else { return false }
    prefetch()
    other.prefetch()
    if elementType == other.elementType {
      return Self.pieces(of: byteCount, Self.pieceBytes).allSatisfy { sameBytes(as: other, in: $0) }
    }
    guard elementType.convertsToFloat, other.elementType.convertsToFloat else { return false }
    let (wide, narrow) = elementType.byteCount > other.elementType.byteCount ? (self, other) : (other, self)
    guard let rows = shape.dimensions.first, let width = shape.rowElementCount, rows > 0, width > 0 else {
      return elementCount == 0
    }
    var values = [Float]()
    let (step, rowBytes) = (max(1, Self.pieceBytes / 4 / width), width * narrow.elementType.byteCount)
    for range in Self.pieces(of: rows, step) {
      values = [Float](repeating: 0, count: range.count * width)
      var span = values.mutableSpan
      guard (try? wide.convert(rows: range, to: &span)) != nil,
        let rounded = try? narrow.elementType.encode(values.span)
      else { return false }
      let bytes = narrow.bytes.extracting(range.lowerBound * rowBytes..<range.upperBound * rowBytes)
      guard unsafe bytes.withUnsafeBytes({ unsafe $0.elementsEqual(rounded) }) else { return false }
    }
    return true
  }

  /// Whether both tensors have the same type, the same shape, and the same bytes in pieces spread evenly from the first
  /// byte to the last: for tensors that are either copies or of another model, where reading all would take minutes.
  package func isProbablySame(as other: StoredTensor) -> Bool {
    guard elementType == other.elementType, shape == other.shape else { return false }
    let (piece, count) = (4096, 8)
    guard byteCount > piece * count else { return sameBytes(as: other, in: 0..<byteCount) }
    return (0..<count).allSatisfy { index in
      let start = (byteCount - piece) / (count - 1) * index
      return sameBytes(as: other, in: start..<start + piece)
    } && sameBytes(as: other, in: byteCount - piece..<byteCount)
  }

  private func sameBytes(as other: StoredTensor, in range: Range<Int>) -> Bool {
    let (own, others) = (bytes.extracting(range), other.bytes.extracting(range))
    return unsafe own.withUnsafeBytes { own in
      unsafe others.withUnsafeBytes { others in
        guard let first = own.baseAddress, let second = others.baseAddress else { return true }
        return unsafe memcmp(first, second, own.count) == 0
      }
    }
  }

  private static func pieces(of count: Int, _ step: Int) -> some Sequence<Range<Int>> {
    stride(from: 0, to: count, by: step).lazy.map { $0..<min(count, $0 + step) }
  }
}
