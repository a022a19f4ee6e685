internal import Compute
internal import Tensors

/// The kernels of one shape, each measured alone.
struct KernelMeasurements {
  typealias Row = KernelBenchmark.Row
  let shape: KernelShape
  let tokens: Int
  let backend: any ComputeBackend
  /// What weights are stored in, which decides how the backend multiplies them.
  let weightType: ElementType
  let timer: KernelTimer

  /// y = x · Wᵀ, dx = dy · W and dW += dyᵀ · x of every linear map: 2 operations per token and weight each.
  func products() throws -> [Row] {
    var rows: [Row] = []
    for map in shape.maps {
      let (x, y) = (try backend.makeNoise(tokens, map.input), try backend.makeNoise(tokens, map.output))
      let weight = try backend.makeNoiseWeight(map.output, map.input, weightType)
      let gradient = try backend.makeMatrix(map.output, map.input)
      let work = Row.Work.operations(2 * Double(tokens) * Double(weight.count))
      func row(_ direction: Row.Direction, _ body: () throws -> Void) throws {
        rows.append(
          Row(
            name: map.name, direction: direction, shape: [tokens, map.input, map.output], work: work,
            seconds: try timer.seconds(body)))
      }
      try row(.forward) { backend.multiply(x, .none, weight, .transposed, into: y, adding: false) }
      try row(.backward) { backend.multiply(y, .none, weight, .none, into: x, adding: false) }
      try row(.weightGradient) { backend.addWeightGradient(y, x: x, to: gradient) }
    }
    backend.releaseUnusedMemory()
    return rows
  }

  /// Causal attention over one sequence. Of the T · (T + 1) / 2 pairs that are seen each costs 4 operations per query
  /// head and element forward, and 10 backward, where the scores are computed again.
  func attention() throws -> [Row] {
    let geometry = AttentionGeometry(
      queryHeads: shape.queryHeads, keyValueHeads: shape.keyValueHeads, headWidth: shape.headWidth,
      scale: 1 / Float(shape.headWidth).squareRoot(), isCausal: true)
    let layout = SequenceLayout(lengths: [tokens])
    let (queries, keys) = (shape.queryHeads * shape.headWidth, shape.keyValueHeads * shape.headWidth)
    let pairs = Double(tokens) * Double(tokens + 1) / 2 * Double(queries)
    let (q, k, v) = (
      try backend.makeNoise(tokens, queries), try backend.makeNoise(tokens, keys), try backend.makeNoise(tokens, keys)
    )
    let (output, dOutput) = (try backend.makeMatrix(like: q), try backend.makeNoise(tokens, queries))
    let (dQ, dK, dV) = (
      try backend.makeMatrix(like: q), try backend.makeMatrix(like: k), try backend.makeMatrix(like: v)
    )
    let logSumExp = try backend.makeMatrix(tokens, shape.queryHeads)
    let forward = try timer.seconds {
      try backend.attention(
        query: q, key: k, value: v, layout: layout, geometry: geometry, into: output, logSumExp: logSumExp)
    }
    let backward = try timer.seconds {
      try backend.attentionBackward(
        dOutput, query: q, key: k, value: v, output: output, logSumExp: logSumExp, layout: layout,
        geometry: geometry, dQuery: dQ, dKey: dK, dValue: dV)
    }
    backend.releaseUnusedMemory()
    return [(Row.Direction.forward, 4.0, forward), (.backward, 10, backward)].map { direction, each, seconds in
      Row(
        name: "attention", direction: direction,
        shape: [tokens, shape.queryHeads, shape.keyValueHeads, shape.headWidth],
        work: .operations(each * pairs), seconds: seconds)
    }
  }
}
