internal import Checkpoints
internal import Tensors

/// A matrix whose numbers change on their way into the checkpoint: widened to `Float`, changed, cut, and rounded back to its
/// own type, a few rows at a time.
struct EditedTensor {
  let tensor: StoredTensor
  /// What is kept of it; nil for all.
  let cut: TensorCut?
  /// A factor for each of its columns, before the cut.
  let factors: [Float]?
  let update: LowRankUpdate?

  /// Hands the changed bytes to `emit`, in order, in pieces of at most about `pieceBytes`.
  ///
  /// - Throws: ``CheckpointError`` with code `notFinite` for a number that the tensor's type cannot hold;
  ///   ``StorageError`` with code `notFinite` where it was none before.
  func forEachPiece(pieceBytes: Int = 8 << 20, _ emit: (RawSpan) throws -> Void) throws {
    let (rows, width) = (tensor.shape.dimensions[0], tensor.shape.dimensions[1])
    let keptRows = cut?.axis == .rows ? cut?.runs ?? [] : [0..<rows]
    let keptColumns = cut?.axis == .columns ? cut?.runs ?? [] : [0..<width]
    let rowsPerPiece = max(1, pieceBytes / max(1, width * MemoryLayout<Float>.size))
    var values: [Float] = []
    var kept: [Float] = []
    for run in keptRows {
      for first in stride(from: run.lowerBound, to: run.upperBound, by: rowsPerPiece) {
        let piece = first..<min(first + rowsPerPiece, run.upperBound)
        values = [Float](repeating: 0, count: piece.count * width)
        var span = values.mutableSpan
        try tensor.convert(rows: piece, to: &span)
        if let update { add(update, rows: piece, to: &values) }
        if let factors { Self.scale(&values, by: factors) }
        kept.removeAll(keepingCapacity: true)
        for row in 0..<piece.count {
          for columns in keptColumns {
            kept += values[row * width + columns.lowerBound..<row * width + columns.upperBound]
          }
        }
        try requireRepresentable(kept, firstRow: first, columns: keptColumns)
        let bytes = try tensor.elementType.encode(kept.span)
        try emit(unsafe bytes.span.bytes)
      }
    }
  }

  private func add(_ update: LowRankUpdate, rows: Range<Int>, to values: inout [Float]) {
    let width = tensor.shape.dimensions[1]
    var sum = [Float](repeating: 0, count: width)
    for (position, row) in rows.enumerated() {
      for column in 0..<width { sum[column] = 0 }
      for k in 0..<update.rank {
        let factor = update.b[row * update.rank + k]
        let start = k * width
        for column in 0..<width { sum[column] += factor * update.a[start + column] }
      }
      let start = position * width
      for column in 0..<width { values[start + column] += update.scale * sum[column] }
    }
  }

  private static func scale(_ values: inout [Float], by factors: [Float]) {
    for start in stride(from: 0, to: values.count, by: factors.count) {
      for column in factors.indices { values[start + column] *= factors[column] }
    }
  }

  private func requireRepresentable(
    _ kept: [Float], firstRow: Int, columns: [Range<Int>]
  ) throws {
    let limit = tensor.elementType.overflowMagnitude
    // Written so that a NaN is found too.
    guard let index = kept.firstIndex(where: { !(abs($0) < limit) }) else { return }
    let indices = columns.flatMap { Array($0) }
    let (row, column) = (firstRow + index / indices.count, indices[index % indices.count])
    let element = row * tensor.shape.dimensions[1] + column
    guard tensor.isFinite(at: element) else { throw tensor.notFinite(element) }
    throw CheckpointError(
      .notFinite,
      "\(tensor.path.map { "\($0): " } ?? "")tensor \(OneLine.quoted(tensor.name)): element [\(row), \(column)] becomes "
        + "\(kept[index]), which \(tensor.elementType.safetensorsName) cannot hold; train with a lower learning rate, or "
        + "convert the model to BF16 or F32")
  }
}
