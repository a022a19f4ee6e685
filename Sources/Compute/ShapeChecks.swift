// What every backend in host memory checks before it follows a pointer. A wrong shape is a programmer's error and traps:
// unchecked, it would read or write memory of other matrices, since buffers come from one pool.

/// Traps unless `x` is `[rows, columns]`.
public func requireShape(_ x: Matrix, _ rows: Int, _ columns: Int) {
  precondition(
    x.rows == rows && x.columns == columns, "a matrix [\(x.rows), \(x.columns)] where [\(rows), \(columns)] belongs")
}

/// Traps unless `vector` has `count` numbers without gaps, as one row or one column.
public func requireVector(_ vector: Matrix, _ count: Int) {
  precondition(
    vector.count == count && vector.isDense, "a vector [\(vector.rows), \(vector.columns)] for \(count) numbers")
}

/// Traps unless the operands of `rmsNorm` on `x` fit it; `y` is its output or a gradient of either.
public func requireNormShapes(_ x: Matrix, _ y: Matrix, weight: Matrix, inverseRMS: Matrix) {
  requireSameShape(x, y)
  requireVector(weight, x.columns)
  requireShape(inverseRMS, x.rows, 1)
}

/// Traps unless the operands of `layerNorm` on `x` fit it; `y` is its output or a gradient of either, `vectors` are its
/// weight, bias and their gradients, as far as there are any.
public func requireLayerNormShapes(
  _ x: Matrix, _ y: Matrix, vectors: [Matrix?], mean: Matrix, inverseDeviation: Matrix
) {
  requireSameShape(x, y)
  for case let vector? in vectors { requireVector(vector, x.columns) }
  requireShape(mean, x.rows, 1)
  requireShape(inverseDeviation, x.rows, 1)
}

/// Traps unless `table` fits the heads and positions of `x` `[token, head · width]`.
public func requireRotaryShapes(_ x: Matrix, layout: SequenceLayout, table: RotaryTable) {
  precondition(x.columns % (2 * table.half) == 0, "heads of another width than the rotary table")
  precondition(layout.longest <= table.positions && layout.tokens == x.rows, "more positions than the rotary table")
}

/// Traps unless queries (or their gradients, or outputs) `[token, queryHeads · width]`, keys and values (or their
/// gradients) `[token, keyValueHeads · width]` and `logSumExp` `[token, queryHeads]` fit layout and geometry.
public func requireAttentionShapes(
  queries: [Matrix], keyValues: [Matrix], logSumExp: Matrix, layout: SequenceLayout, geometry: AttentionGeometry
) {
  for x in queries { requireShape(x, layout.tokens, geometry.queryHeads * geometry.headWidth) }
  for x in keyValues { requireShape(x, layout.tokens, geometry.keyValueHeads * geometry.headWidth) }
  requireShape(logSumExp, layout.tokens, geometry.queryHeads)
}

/// Traps unless queries and outputs `[sequence, queryHeads · width]` and keys and values `[row, keyValueHeads · width]` fit
/// the rows of each sequence, of which there is at least one, and geometry.
public func requireAttentionStepShapes(
  queries: [Matrix], keyValues: [Matrix], rows: [Range<Int>], geometry: AttentionGeometry
) {
  for x in queries { requireShape(x, rows.count, geometry.queryHeads * geometry.headWidth) }
  for x in keyValues {
    precondition(x.columns == geometry.keyValueHeads * geometry.headWidth, "keys or values of another width")
    precondition(
      rows.allSatisfy { !$0.isEmpty && $0.lowerBound >= 0 && $0.upperBound <= x.rows },
      "a sequence without keys or values, or with more than there are")
  }
}
