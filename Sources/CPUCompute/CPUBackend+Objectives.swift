internal import CKernels
public import Compute
public import Tensors

extension CPUBackend {
  public func scaleUnits(_ x: Matrix, by factors: Matrix, width: Int) {
    precondition(factors.count * width == x.columns, "factors for other columns")
    parallel.ranges(x.rows, cost: x.columns) { part in
      unsafe ck_scale_units(x.row(part.lowerBound), factors.pointer, part.count, x.columns, x.stride, width)
    }
  }

  public func addUnitProducts(of x: Matrix, with dy: Matrix, width: Int, to gradients: inout [Double]) {
    requireSameShape(x, dy)
    precondition(gradients.count * width == x.columns, "gradients for other columns")
    unsafe gradients.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      parallel.columns(x.columns / width, cost: x.rows * width, width: width) { units in
        let (start, columns) = (units.lowerBound * width, units.count * width)
        unsafe ck_add_unit_products(
          sums + units.lowerBound, x.pointer + start, dy.pointer + start, x.rows, columns, x.stride, dy.stride, width)
      }
    }
  }

  public func addSaliency(weight: Matrix, gradient: Matrix?, axis: UnitAxis, width: Int, to scores: inout [Double]) {
    let extent = axis == .rows ? weight.rows : weight.columns
    precondition(scores.count * width == extent, "scores for other units")
    if let gradient { requireSameShape(weight, gradient) }
    switch axis {
    case .rows:
      unsafe scores.withUnsafeMutableBufferPointer { scores in
        parallel.rows(scores.count, cost: width * weight.columns) { unit in
          var scratch: [Float] = []
          for i in unit * width..<(unit + 1) * width {
            guard let row = unsafe weight.floats(row: i, columns: 0..<weight.columns, scratch: &scratch) else {
              continue
            }
            unsafe scores[unit] += Double(ck_absolute_product_sum(gradient?.row(i), row, weight.columns))
          }
        }
      }
    case .columns:
      var sums = [Float](repeating: 0, count: extent)
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let sums = sums.baseAddress else { return }
        parallel.columns(extent, cost: weight.rows) { part in
          let start = part.lowerBound
          var scratch: [Float] = []
          for i in 0..<weight.rows {
            let gradientRow = unsafe gradient.map { unsafe UnsafePointer($0.row(i) + start) }
            guard let row = unsafe weight.floats(row: i, columns: part, scratch: &scratch) else { continue }
            unsafe ck_add_absolute_products(sums + start, gradientRow, row, part.count)
          }
        }
      }
      for j in 0..<extent { scores[j / width] += Double(sums[j]) }
    }
  }

  public func accumulateCrossEntropy(
    logits: Matrix, firstColumn: Int, targets: [Int32], state: inout CrossEntropyState
  ) {
    precondition(
      [state.maxima.count, state.sums.count, targets.count].allSatisfy { $0 == logits.rows }, "a state of other tokens")
    unsafe state.maxima.withUnsafeMutableBufferPointer { maxima in
      unsafe state.sums.withUnsafeMutableBufferPointer { sums in
        guard let maxima = maxima.baseAddress, let sums = sums.baseAddress else { return }
        parallel.rows(logits.rows, cost: logits.columns) { i in
          unsafe ck_accumulate_exponentials(logits.row(i), logits.columns, maxima + i, sums + i)
        }
      }
    }
    for i in 0..<logits.rows {
      let target = Int(targets[i]) - firstColumn
      if targets[i] >= 0, target >= 0, target < logits.columns {
        state.targetLogits[i] = unsafe logits.row(i)[target]
      }
    }
  }

  public func crossEntropyGradient(
    logits: Matrix, firstColumn: Int, targets: [Int32], logSumExp: [Float], scale: Float
  ) {
    parallel.rows(logits.rows, cost: logits.columns) { i in
      let row = unsafe logits.row(i)
      guard targets[i] >= 0 else {
        unsafe row.update(repeating: 0, count: logits.columns)
        return
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
    var divergences = [Float](repeating: 0, count: logits.rows)
    unsafe divergences.withUnsafeMutableBufferPointer { divergences in
      parallel.rows(logits.rows, cost: logits.columns) { i in
        guard isCounted[i] else {
          unsafe logits.row(i).update(repeating: 0, count: logits.columns)
          return
        }
        unsafe divergences[i] = unsafe ck_divergence_gradient(
          logits.row(i), teacher.row(i), logits.columns, logSumExp[i], teacherLogSumExp[i], scale)
      }
    }
    return divergences
  }

  public func columnMaxima(_ logits: Matrix) -> (values: [Float], rows: [Int32]) {
    var values = [Float](repeating: -.infinity, count: logits.columns)
    var rows = [Int32](repeating: 0, count: logits.columns)
    unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe rows.withUnsafeMutableBufferPointer { rows in
        guard let values = values.baseAddress, let rows = rows.baseAddress else { return }
        parallel.columns(logits.columns, cost: logits.rows) { part in
          let start = part.lowerBound
          for i in 0..<logits.rows {
            unsafe ck_column_maxima(values + start, rows + start, logits.row(i) + start, Int32(i), part.count)
          }
        }
      }
    }
    return (values, rows)
  }

  public func addRows(of x: Matrix, at rows: [Int32], to y: Matrix, scale: Float, direction: RowDirection) {
    precondition(x.columns == y.columns, "rows of another width")
    // By columns, because a scatter may name a row twice.
    parallel.columns(x.columns, cost: rows.count) { part in
      let start = part.lowerBound
      var scratch: [Float] = []
      for (i, row) in rows.enumerated() {
        let (source, target) = direction == .gather ? (Int(row), i) : (i, Int(row))
        precondition(row >= 0 && source < x.rows && target < y.rows, "row \(row) is not there")
        guard let numbers = unsafe x.floats(row: source, columns: part, scratch: &scratch) else { continue }
        unsafe ck_add_scaled(y.row(target) + start, numbers, scale, part.count)
      }
    }
  }
}
