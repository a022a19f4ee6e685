internal import CKernels
public import Compute

extension CPUBackend {
  // One task per sequence and key-value head. The group's query heads lie side by side, in a row of queries as in one of
  // outputs, and so are a matrix [head of the group, width]: keys and values are read once for all of them.
  public func attentionStep(
    query: Matrix, keys: Matrix, values: Matrix, rows: [Range<Int>], geometry: AttentionGeometry, into output: Matrix
  ) throws(ComputeError) {
    requireAttentionStepShapes(queries: [query, output], keyValues: [keys, values], rows: rows, geometry: geometry)
    let (heads, group, width) = (geometry.keyValueHeads, geometry.groupSize, geometry.headWidth)
    let seen = rows.map { geometry.keysSeenByLast(of: $0) }
    let longest = seen.map(\.count).max() ?? 0
    let scratch = try makeScratch(group * (longest + width + 3), tasks: rows.count * heads)
    onEveryThread(rows.count * heads) { task, thread in
      let (sequence, head) = task.quotientAndRemainder(dividingBy: heads)
      let part = seen[sequence]
      let scores = unsafe scratch.row(thread)
      let weighted = unsafe scores + group * longest
      let (maxima, sums) = unsafe (weighted + group * width, weighted + group * (width + 1))
      let logarithms = unsafe sums + group
      let (key, value) = unsafe (HeadRows(keys, column: head * width), HeadRows(values, column: head * width))
      let column = head * group * width
      unsafe multiplyTile(
        m: group, n: part.count, k: width, query.row(sequence) + column, width, .none, key.row(part.lowerBound),
        key.stride, .transposed, into: scores, part.count, adding: false)
      unsafe maxima.update(repeating: -.infinity, count: group)
      // Every query head sees all columns.
      unsafe ck_softmax_fold(
        scores, maxima, sums, nil, group, part.count, width, -group, part.count, geometry.scale)
      unsafe multiplyTile(
        m: group, n: width, k: part.count, scores, part.count, .none, value.row(part.lowerBound), value.stride, .none,
        into: weighted, width, adding: false)
      unsafe ck_softmax_finish(
        output.row(sequence) + column, logarithms, weighted, maxima, sums, group, width, width, 1, geometry.scale)
    }
  }
}
