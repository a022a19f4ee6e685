internal import CKernels
public import Compute
public import Tensors

extension CPUBackend {
  public func scaleUnits(_ x: Matrix, by factors: Matrix, width: Int) {
    precondition(factors.count * width == x.columns, "factors for other columns")
    unsafe ck_scale_units(x.pointer, factors.pointer, x.rows, x.columns, x.stride, width)
  }

  public func addUnitProducts(of x: Matrix, with dy: Matrix, width: Int, to gradients: inout [Double]) {
    requireSameShape(x, dy)
    precondition(gradients.count * width == x.columns, "gradients for other columns")
    unsafe ck_add_unit_products(&gradients, x.pointer, dy.pointer, x.rows, x.columns, x.stride, dy.stride, width)
  }

  public func addSaliency(weight: Matrix, gradient: Matrix?, axis: UnitAxis, width: Int, to scores: inout [Double]) {
    let extent = axis == .rows ? weight.rows : weight.columns
    precondition(scores.count * width == extent, "scores for other units")
    if let gradient { requireSameShape(weight, gradient) }
    var scratch: [Float] = []
    switch axis {
    case .rows:
      for i in 0..<weight.rows {
        guard let row = unsafe weight.floatRow(i, scratch: &scratch) else { continue }
        scores[i / width] += unsafe Double(ck_absolute_product_sum(gradient?.row(i), row, weight.columns))
      }
    case .columns:
      var sums = [Float](repeating: 0, count: extent)
      for i in 0..<weight.rows {
        guard let row = unsafe weight.floatRow(i, scratch: &scratch) else { continue }
        unsafe ck_add_absolute_products(&sums, gradient?.row(i), row, weight.columns)
      }
      for j in 0..<extent { scores[j / width] += Double(sums[j]) }
    }
  }

  public func accumulateCrossEntropy(
    logits: Matrix, firstColumn: Int, targets: [Int32], state: inout CrossEntropyState
  ) {
    for i in 0..<logits.rows {
      unsafe ck_accumulate_exponentials(logits.row(i), logits.columns, &state.maxima[i], &state.sums[i])
      let target = Int(targets[i]) - firstColumn
      if targets[i] >= 0, target >= 0, target < logits.columns {
        state.targetLogits[i] = unsafe logits.row(i)[target]
      }
    }
  }

  public func crossEntropyGradient(
    logits: Matrix, firstColumn: Int, targets: [Int32], logSumExp: [Float], scale: Float
  ) {
    for i in 0..<logits.rows {
      let row = unsafe logits.row(i)
      guard targets[i] >= 0 else {
        unsafe row.update(repeating: 0, count: logits.columns)
        continue
      }
      unsafe ck_softmax_gradient(row, logits.columns, logSumExp[i], scale)
      let target = Int(targets[i]) - firstColumn
      if target >= 0, target < logits.columns { unsafe row[target] -= scale }
    }
  }

  public func divergenceGradient(
    logits: Matrix, teacher: Matrix, isCounted: [Bool], logSumExp: [Float], teacherLogSumExp: [Float], scale: Float
  ) -> [Float] {
    requireSameShape(logits, teacher)
    return (0..<logits.rows).map { i in
      guard isCounted[i] else {
        unsafe logits.row(i).update(repeating: 0, count: logits.columns)
        return 0
      }
      return unsafe ck_divergence_gradient(
        logits.row(i), teacher.row(i), logits.columns, logSumExp[i], teacherLogSumExp[i], scale)
    }
  }

  public func columnMaxima(_ logits: Matrix) -> (values: [Float], rows: [Int32]) {
    var values = [Float](repeating: -.infinity, count: logits.columns)
    var rows = [Int32](repeating: 0, count: logits.columns)
    for i in 0..<logits.rows { unsafe ck_column_maxima(&values, &rows, logits.row(i), Int32(i), logits.columns) }
    return (values, rows)
  }

  public func addRows(of x: Matrix, at rows: [Int32], to y: Matrix, scale: Float, direction: RowDirection) {
    precondition(x.columns == y.columns, "rows of another width")
    var scratch: [Float] = []
    for (i, row) in rows.enumerated() {
      let (source, target) = direction == .gather ? (Int(row), i) : (i, Int(row))
      precondition(row >= 0 && source < x.rows && target < y.rows, "row \(row) is not there")
      guard let numbers = unsafe x.floatRow(source, scratch: &scratch) else { continue }
      unsafe ck_add_scaled(y.row(target), numbers, scale, x.columns)
    }
  }
}
