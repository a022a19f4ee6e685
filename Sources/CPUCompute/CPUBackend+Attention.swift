internal import CKernels
public import Compute

/// Queries that attend together: scores exist for one tile `[tile, keys]` of one head at a time, so memory grows with the
/// length of a sequence, not with its square.
private let tile = 128

extension CPUBackend {
  public func attention(
    query q: Matrix, key k: Matrix, value v: Matrix, layout: SequenceLayout, geometry: AttentionGeometry,
    into output: Matrix, logSumExp: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [q, output], keyValues: [k, v], logSumExp: logSumExp, layout: layout, geometry: geometry)
    let scratch = try makeMatrix(min(tile, layout.longest), layout.longest)
    forEachTile(layout: layout, geometry: geometry) { part in
      let scores = scratch.view(part.queries.count, part.keys.count)
      multiply(part.head(of: q), .none, part.keyHead(of: k), .transposed, into: scores, adding: false)
      unsafe ck_softmax(
        scores.pointer, logSumExp.row(part.queries.lowerBound) + part.queryHead, scores.rows, scores.columns,
        scores.stride, part.firstSeen, geometry.isCausal ? 1 : 0, geometry.scale, logSumExp.stride)
      multiply(scores, .none, part.keyHead(of: v), .none, into: part.head(of: output), adding: false)
    }
  }

  public func attentionBackward(
    _ dOutput: Matrix, query q: Matrix, key k: Matrix, value v: Matrix, output: Matrix, logSumExp: Matrix,
    layout: SequenceLayout, geometry: AttentionGeometry, dQuery: Matrix, dKey: Matrix, dValue: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [dOutput, q, output, dQuery], keyValues: [k, v, dKey, dValue], logSumExp: logSumExp, layout: layout,
      geometry: geometry)
    let probabilityScratch = try makeMatrix(min(tile, layout.longest), layout.longest)
    let gradientScratch = try makeMatrix(min(tile, layout.longest), layout.longest)
    var delta = [Float](repeating: 0, count: tile)
    for gradient in [dKey, dValue] { fill(gradient, with: 0) }
    forEachTile(layout: layout, geometry: geometry) { part in
      let probabilities = probabilityScratch.view(part.queries.count, part.keys.count)
      let dScores = gradientScratch.view(part.queries.count, part.keys.count)
      multiply(part.head(of: q), .none, part.keyHead(of: k), .transposed, into: probabilities, adding: false)
      unsafe ck_softmax_again(
        probabilities.pointer, logSumExp.row(part.queries.lowerBound) + part.queryHead, probabilities.rows,
        probabilities.columns, probabilities.stride, part.firstSeen, geometry.isCausal ? 1 : 0, geometry.scale,
        logSumExp.stride)
      multiply(part.head(of: dOutput), .none, part.keyHead(of: v), .transposed, into: dScores, adding: false)
      multiply(probabilities, .transposed, part.head(of: dOutput), .none, into: part.keyHead(of: dValue), adding: true)
      // Σ_j P_ij dP_ij equals Σ_c O_ic dO_ic, which needs no pass over the scores (FlashAttention, section 3.1).
      for (row, token) in part.queries.enumerated() {
        let column = part.queryHead * geometry.headWidth
        delta[row] = unsafe ck_dot(output.row(token) + column, dOutput.row(token) + column, geometry.headWidth)
      }
      unsafe ck_softmax_backward(
        dScores.pointer, probabilities.pointer, delta, dScores.rows, dScores.columns, dScores.stride, geometry.scale)
      multiply(dScores, .none, part.keyHead(of: k), .none, into: part.head(of: dQuery), adding: false)
      multiply(dScores, .transposed, part.head(of: q), .none, into: part.keyHead(of: dKey), adding: true)
    }
  }

  private func forEachTile(layout: SequenceLayout, geometry: AttentionGeometry, _ body: (AttentionTile) -> Void) {
    for sequence in 0..<layout.count {
      let rows = layout.rows(of: sequence)
      for head in 0..<geometry.queryHeads {
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: tile) {
          let queries = start..<min(start + tile, rows.upperBound)
          let keys = rows.lowerBound..<(geometry.isCausal ? queries.upperBound : rows.upperBound)
          body(AttentionTile(queries: queries, keys: keys, queryHead: head, geometry: geometry))
        }
      }
    }
  }
}

/// Some queries of one head, and the keys that they may see.
private struct AttentionTile {
  let queries: Range<Int>
  let keys: Range<Int>
  let queryHead: Int
  let geometry: AttentionGeometry

  /// How many keys the first query sees under a causal mask.
  var firstSeen: Int { queries.lowerBound - keys.lowerBound + 1 }

  /// This tile's rows and its head's columns of a matrix `[token, queryHeads · width]`.
  func head(of matrix: Matrix) -> Matrix { columns(of: matrix.rows(queries), head: queryHead) }

  /// The keys' rows and the key-value head's columns of a matrix `[token, keyValueHeads · width]`.
  func keyHead(of matrix: Matrix) -> Matrix { columns(of: matrix.rows(keys), head: queryHead / geometry.groupSize) }

  private func columns(of matrix: Matrix, head: Int) -> Matrix {
    matrix.columns(head * geometry.headWidth..<(head + 1) * geometry.headWidth)
  }
}

extension Matrix {
  /// A dense matrix of another shape at the start of this one's memory.
  fileprivate func view(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(buffer: buffer, offset: offset, rows: rows, columns: columns)
  }
}
