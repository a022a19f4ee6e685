internal import Blueprints
internal import Compute

extension AttentionSublayer {
  /// Adds the branch to `stream` `[sequence, hidden]`, the token at `position` of each sequence, whose keys and values
  /// join those in the cache.
  func step(
    _ stream: Matrix, position: Int, cache: KeyValueCache, weights: SublayerMatrices
  ) throws -> Matrix {
    let normed = try weights.applyNorm(norm, to: stream, backend: backend).normed
    let query = try weights.project(normed, .queryWeight, bias: .queryBias, backend: backend)
    // The projections write where attention reads.
    let (key, value) = cache.tokens(at: position)
    try weights.project(normed, .keyWeight, bias: .keyBias, into: key, adding: false, backend: backend)
    try weights.project(normed, .valueWeight, bias: .valueBias, into: value, adding: false, backend: backend)
    if let table = rotary?.only(position) {
      let layout = SequenceLayout(lengths: Array(repeating: 1, count: stream.rows))
      backend.rotate(query, layout: layout, table: table, inverse: false)
      backend.rotate(key, layout: layout, table: table, inverse: false)
    }
    let context = try backend.makeMatrix(like: query, isZeroed: false)
    try backend.attentionStep(
      query: query, keys: cache.keys, values: cache.values, rows: cache.rows(through: position), geometry: geometry,
      into: context)
    let output = try backend.copy(stream)
    try weights.project(context, .outputWeight, bias: .outputBias, into: output, adding: true, backend: backend)
    return output
  }
}
