internal import Glibc

extension ReferenceBackend {
  public func attention(
    query q: Matrix, key k: Matrix, value v: Matrix, layout: SequenceLayout, geometry: AttentionGeometry,
    into output: Matrix, logSumExp: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [q, output], keyValues: [k, v], logSumExp: logSumExp, layout: layout, geometry: geometry)
    let width = geometry.headWidth
    fill(output, with: 0)
    forEachHead(layout: layout, geometry: geometry) { rows, head, keyValueHead in
      for i in rows {
        let seen = geometry.keys(seenBy: i..<i + 1, of: rows)
        let probabilities = unsafe softmaxRow(
          seen, query: q.row(i) + head * width, key: k, keyColumn: keyValueHead * width, geometry: geometry)
        unsafe logSumExp.row(i)[head] = Float(probabilities.logSumExp)
        for (j, probability) in zip(seen, probabilities.values) {
          for c in 0..<width {
            unsafe output.row(i)[head * width + c] += Float(probability) * v.row(j)[keyValueHead * width + c]
          }
        }
      }
    }
  }

  // With P = softmax(S), O = P V: dV = Pᵀ dO, dP = dO Vᵀ, dS = P ∘ (dP − rowsum(dP ∘ P)), dQ = scale dS K, dK = scale dSᵀ Q.
  public func attentionBackward(
    _ dOutput: Matrix, query q: Matrix, key k: Matrix, value v: Matrix, output: Matrix, logSumExp: Matrix,
    layout: SequenceLayout, geometry: AttentionGeometry, dQuery: Matrix, dKey: Matrix, dValue: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [dOutput, q, output, dQuery], keyValues: [k, v, dKey, dValue], logSumExp: logSumExp, layout: layout,
      geometry: geometry)
    let width = geometry.headWidth
    for gradient in [dQuery, dKey, dValue] { fill(gradient, with: 0) }
    forEachHead(layout: layout, geometry: geometry) { rows, head, keyValueHead in
      let (queryColumn, keyColumn) = (head * width, keyValueHead * width)
      for i in rows {
        let seen = geometry.keys(seenBy: i..<i + 1, of: rows)
        let probabilities = unsafe softmaxRow(
          seen, query: q.row(i) + queryColumn, key: k, keyColumn: keyColumn, geometry: geometry
        ).values
        let dRow = unsafe dOutput.row(i) + queryColumn
        var dProbabilities = [Double](repeating: 0, count: probabilities.count)
        for (index, j) in zip(probabilities.indices, seen) {
          for c in 0..<width {
            unsafe dProbabilities[index] += Double(dRow[c]) * Double(v.row(j)[keyColumn + c])
            unsafe dValue.row(j)[keyColumn + c] += Float(probabilities[index]) * dRow[c]
          }
        }
        let delta = zip(probabilities, dProbabilities).reduce(0) { $0 + $1.0 * $1.1 }
        for (index, j) in zip(probabilities.indices, seen) {
          let dScore = Float(probabilities[index] * (dProbabilities[index] - delta)) * geometry.scale
          for c in 0..<width {
            unsafe dQuery.row(i)[queryColumn + c] += dScore * k.row(j)[keyColumn + c]
            unsafe dKey.row(j)[keyColumn + c] += dScore * q.row(i)[queryColumn + c]
          }
        }
      }
    }
  }

  public func attentionStep(
    query: Matrix, keys: Matrix, values: Matrix, rows: [Range<Int>], geometry: AttentionGeometry, into output: Matrix
  ) throws(ComputeError) {
    requireAttentionStepShapes(queries: [query, output], keyValues: [keys, values], rows: rows, geometry: geometry)
    let width = geometry.headWidth
    fill(output, with: 0)
    for (sequence, own) in rows.enumerated() {
      let seen = geometry.keysSeenByLast(of: own)
      for head in 0..<geometry.queryHeads {
        let column = head / geometry.groupSize * width
        let probabilities = unsafe softmaxRow(
          seen, query: query.row(sequence) + head * width, key: keys, keyColumn: column, geometry: geometry
        ).values
        for (j, probability) in zip(seen, probabilities) {
          for c in 0..<width {
            unsafe output.row(sequence)[head * width + c] += Float(probability) * values.row(j)[column + c]
          }
        }
      }
    }
  }

  private func forEachHead(
    layout: SequenceLayout, geometry: AttentionGeometry, _ body: (Range<Int>, _ head: Int, _ keyValueHead: Int) -> Void
  ) {
    for sequence in 0..<layout.count {
      for head in 0..<geometry.queryHeads { body(layout.rows(of: sequence), head, head / geometry.groupSize) }
    }
  }

  /// The probabilities with which a query reads the tokens that it sees.
  @unsafe private func softmaxRow(
    _ seen: Range<Int>, query: UnsafeMutablePointer<Float>, key: Matrix, keyColumn: Int, geometry: AttentionGeometry
  ) -> (values: [Double], logSumExp: Double) {
    var scores = seen.map { j in
      var sum = 0.0
      for c in 0..<geometry.headWidth { unsafe sum += Double(query[c]) * Double(key.row(j)[keyColumn + c]) }
      return sum * Double(geometry.scale)
    }
    let maximum = scores.max() ?? 0
    var sum = 0.0
    for index in scores.indices {
      scores[index] = exp(scores[index] - maximum)
      sum += scores[index]
    }
    return (scores.map { $0 / sum }, maximum + log(sum))
  }
}
