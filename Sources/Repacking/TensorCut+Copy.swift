internal import Tensors

extension TensorCut {
  /// Hands the kept bytes of a tensor to `emit`, in order, in pieces of at most about `pieceBytes`.
  ///
  /// Bytes are copied as they are, whatever the element type: nothing is rounded. What is cut away is not looked at.
  ///
  /// - Throws: ``StorageError`` with code `notFinite` for a kept number that is infinite or NaN; what `emit` throws.
  func forEachPiece(of tensor: StoredTensor, pieceBytes: Int = 8 << 20, _ emit: (RawSpan) throws -> Void) throws {
    let dimensions = tensor.shape.dimensions
    let width = tensor.elementType.byteCount
    let rowBytes = dimensions.dropFirst().reduce(tensor.elementType.byteCount, *)
    switch axis {
    case .rows:
      for run in runs {
        let bytes = run.lowerBound * rowBytes..<run.upperBound * rowBytes
        var start = bytes.lowerBound
        while start < bytes.upperBound {
          let end = min(start + pieceBytes, bytes.upperBound)
          try tensor.requireFinite(elements: start / width..<(end + width - 1) / width)
          try emit(tensor.bytes.extracting(start..<end))
          start = end
        }
      }
    case .columns:
      let columns = runs.flatMap { Array($0) }
      let keptRowBytes = runs.reduce(0) { $0 + $1.count } * width
      let rowsPerPiece = max(1, pieceBytes / max(1, keptRowBytes))
      for first in stride(from: 0, to: dimensions[0], by: rowsPerPiece) {
        let rows = first..<min(first + rowsPerPiece, dimensions[0])
        var piece: [UInt8] = []
        piece.reserveCapacity(rows.count * keptRowBytes)
        for row in rows {
          for run in runs {
            let start = row * rowBytes + run.lowerBound * width
            unsafe tensor.bytes.extracting(start..<start + run.count * width).withUnsafeBytes {
              unsafe piece.append(contentsOf: $0)
            }
          }
        }
        if let index = tensor.elementType.firstNotFinite(in: unsafe piece.span.bytes) {
          let row = first + index / columns.count
          throw tensor.notFinite(row * dimensions[1] + columns[index % columns.count])
        }
        try emit(unsafe piece.span.bytes)
      }
    }
  }
}
