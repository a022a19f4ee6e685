internal import CKernels
internal import COpenBLAS
public import Compute

extension CPUBackend {
  public func attention(
    query q: Matrix, key k: Matrix, value v: Matrix, layout: SequenceLayout, geometry: AttentionGeometry,
    into output: Matrix, logSumExp: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [q, output], keyValues: [k, v], logSumExp: logSumExp, layout: layout, geometry: geometry)
    let tiling = AttentionTiling(geometry, layout: layout)
    let tasks = AttentionTask.all(geometry, layout: layout, queries: tiling.queries)
    let width = geometry.headWidth
    let (stack, tile) = (tiling.rows * width, tiling.rows * tiling.keys)
    let scratch = try makeScratch(2 * stack + tile + 2 * tiling.rows, tasks: tasks.count)
    onEveryThread(tasks.count) { index, thread in
      let task = tasks[index]
      let queries = unsafe scratch.row(thread)
      let (weighted, scores) = unsafe (queries + stack, queries + 2 * stack)
      let (maxima, sums) = unsafe (scores + tile, scores + tile + tiling.rows)
      let count = task.queries.count
      let rows = count * geometry.groupSize
      unsafe task.forEachHead(of: q, geometry) { head, matrix in
        unsafe matrix.copy(task.queries, to: queries + head * count * width, width: width)
      }
      unsafe maxima.update(repeating: -.infinity, count: rows)
      unsafe sums.update(repeating: 0, count: rows)
      let (keys, values) = unsafe (task.keyValueHead(of: k, geometry), task.keyValueHead(of: v, geometry))
      let seen = geometry.keys(seenBy: task.queries, of: task.sequence)
      for part in tiling.tiles(of: seen) {
        let isFirst = part.lowerBound == seen.lowerBound
        unsafe multiplyTile(
          m: rows, n: part.count, k: width, queries, width, .none, keys.row(part.lowerBound), keys.stride, .transposed,
          into: scores, part.count, adding: false)
        let (first, end) = task.columnsSeen(of: part, geometry)
        for row in stride(from: 0, to: rows, by: count) {
          unsafe ck_softmax_fold(
            scores + row * part.count, maxima + row, sums + row, isFirst ? nil : weighted + row * width, count,
            part.count, width, first, end, geometry.scale)
        }
        unsafe multiplyTile(
          m: rows, n: width, k: part.count, scores, part.count, .none, values.row(part.lowerBound), values.stride,
          .none, into: weighted, width, adding: !isFirst)
      }
      unsafe task.forEachHead(of: output, geometry) { head, matrix in
        let logarithms = unsafe logSumExp.row(task.queries.lowerBound) + task.keyValueHead * geometry.groupSize + head
        unsafe ck_softmax_finish(
          matrix.row(task.queries.lowerBound), logarithms, weighted + head * count * width, maxima + head * count,
          sums + head * count, count, width, matrix.stride, logSumExp.stride, geometry.scale)
      }
    }
  }

  public func attentionBackward(
    _ dOutput: Matrix, query q: Matrix, key k: Matrix, value v: Matrix, output: Matrix, logSumExp: Matrix,
    layout: SequenceLayout, geometry: AttentionGeometry, dQuery: Matrix, dKey: Matrix, dValue: Matrix
  ) throws(ComputeError) {
    requireAttentionShapes(
      queries: [dOutput, q, output, dQuery], keyValues: [k, v, dKey, dValue], logSumExp: logSumExp, layout: layout,
      geometry: geometry)
    let tiling = AttentionTiling(geometry, layout: layout)
    // One task sums the gradients of a head's keys and values over all queries, in order.
    let tasks = AttentionTask.all(geometry, layout: layout)
    let width = geometry.headWidth
    let (stack, tile) = (tiling.rows * width, tiling.rows * tiling.keys)
    let scratch = try makeScratch(3 * stack + 2 * tile + 2 * tiling.rows, tasks: tasks.count)
    for gradient in [dKey, dValue] { fill(gradient, with: 0) }
    onEveryThread(tasks.count) { index, thread in
      let whole = tasks[index]
      let queries = unsafe scratch.row(thread)
      let (dOutputs, dQueries) = unsafe (queries + stack, queries + 2 * stack)
      let (probabilities, dScores) = unsafe (queries + 3 * stack, queries + 3 * stack + tile)
      let (logarithms, delta) = unsafe (dScores + tile, dScores + tile + tiling.rows)
      let (keys, values) = unsafe (whole.keyValueHead(of: k, geometry), whole.keyValueHead(of: v, geometry))
      let (dKeys, dValues) = unsafe (whole.keyValueHead(of: dKey, geometry), whole.keyValueHead(of: dValue, geometry))
      for task in whole.parts(queries: tiling.queries) {
        let count = task.queries.count
        let rows = count * geometry.groupSize
        unsafe task.forEachHead(of: q, geometry) { head, matrix in
          unsafe matrix.copy(task.queries, to: queries + head * count * width, width: width)
        }
        unsafe task.forEachHead(of: dOutput, geometry) { head, matrix in
          unsafe matrix.copy(task.queries, to: dOutputs + head * count * width, width: width)
        }
        // Σ_j P_ij dP_ij equals Σ_c O_ic dO_ic, which needs no pass over the scores (FlashAttention, section 3.1).
        unsafe task.forEachHead(of: output, geometry) { head, matrix in
          for (index, token) in task.queries.enumerated() {
            let row = head * count + index
            unsafe delta[row] = unsafe ck_dot(matrix.row(token), dOutputs + row * width, width)
            unsafe logarithms[row] = logSumExp.row(token)[task.keyValueHead * geometry.groupSize + head]
          }
        }
        let seen = geometry.keys(seenBy: task.queries, of: task.sequence)
        for part in tiling.tiles(of: seen) {
          let (n, key, value) = unsafe (part.count, keys.row(part.lowerBound), values.row(part.lowerBound))
          unsafe multiplyTile(
            m: rows, n: n, k: width, queries, width, .none, key, keys.stride, .transposed, into: probabilities, n,
            adding: false)
          unsafe multiplyTile(
            m: rows, n: n, k: width, dOutputs, width, .none, value, values.stride, .transposed, into: dScores, n,
            adding: false)
          let (first, end) = task.columnsSeen(of: part, geometry)
          for row in stride(from: 0, to: rows, by: count) {
            unsafe ck_softmax_backward(
              probabilities + row * n, dScores + row * n, logarithms + row, delta + row, count, n, first, end,
              geometry.scale)
          }
          unsafe multiplyTile(
            m: n, n: width, k: rows, probabilities, n, .transposed, dOutputs, width, .none,
            into: dValues.row(part.lowerBound), dValues.stride, adding: true)
          unsafe multiplyTile(
            m: rows, n: width, k: n, dScores, n, .none, key, keys.stride, .none, into: dQueries, width,
            adding: part.lowerBound > seen.lowerBound)
          unsafe multiplyTile(
            m: n, n: width, k: rows, dScores, n, .transposed, queries, width, .none, into: dKeys.row(part.lowerBound),
            dKeys.stride, adding: true)
        }
        unsafe task.forEachHead(of: dQuery, geometry) { head, matrix in
          for (index, token) in task.queries.enumerated() {
            unsafe matrix.row(token).update(from: dQueries + (head * count + index) * width, count: width)
          }
        }
      }
    }
  }

  /// One row of `count` numbers for each thread that gets a task.
  func makeScratch(_ count: Int, tasks: Int) throws(ComputeError) -> Matrix {
    try makeMatrix(min(threads, tasks), (count + 15) / 16 * 16)
  }

  /// Runs the tasks on all threads, with products that stay on the thread that asks for them.
  func onEveryThread(_ tasks: Int, _ body: (_ task: Int, _ thread: Int) -> Void) {
    if threads > 1 { openblas_set_num_threads(1) }
    parallel.tasks(tasks, body)
    if threads > 1 { openblas_set_num_threads(Int32(threads)) }
  }
}
