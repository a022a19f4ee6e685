internal import Glibc
public import Tensors

extension ReferenceBackend {
  public func scaleUnits(_ x: Matrix, by factors: Matrix, width: Int) {
    precondition(factors.count * width == x.columns, "factors for other columns")
    for i in 0..<x.rows {
      for j in 0..<x.columns { unsafe x.row(i)[j] *= factors.pointer[j / width] }
    }
  }

  public func addUnitProducts(of x: Matrix, with dy: Matrix, width: Int, to gradients: inout [Double]) {
    requireSameShape(x, dy)
    precondition(gradients.count * width == x.columns, "gradients for other columns")
    for i in 0..<x.rows {
      for j in 0..<x.columns { unsafe gradients[j / width] += Double(x.row(i)[j]) * Double(dy.row(i)[j]) }
    }
  }

  public func addSaliency(weight: Matrix, gradient: Matrix?, axis: UnitAxis, width: Int, to scores: inout [Double]) {
    let extent = axis == .rows ? weight.rows : weight.columns
    precondition(scores.count * width == extent, "scores for other units")
    if let gradient { requireSameShape(weight, gradient) }
    for i in 0..<weight.rows {
      for j in 0..<weight.columns {
        let factor = gradient.map { unsafe Double($0.row(i)[j]) } ?? 1
        unsafe scores[(axis == .rows ? i : j) / width] += abs(factor * Double(weight.row(i)[j]))
      }
    }
  }

  public func accumulateCrossEntropy(
    logits: Matrix, firstColumn: Int, targets: [Int32], state: inout CrossEntropyState
  ) {
    for i in 0..<logits.rows {
      let row = unsafe logits.row(i)
      var maximum = state.maxima[i]
      for j in 0..<logits.columns { maximum = unsafe max(maximum, row[j]) }
      var sum = Double(state.sums[i]) * (state.maxima[i] == -.infinity ? 0 : exp(Double(state.maxima[i] - maximum)))
      for j in 0..<logits.columns { sum += unsafe exp(Double(row[j] - maximum)) }
      (state.maxima[i], state.sums[i]) = (maximum, Float(sum))
      let target = Int(targets[i]) - firstColumn
      if targets[i] >= 0, (0..<logits.columns).contains(target) { state.targetLogits[i] = unsafe row[target] }
    }
  }

  public func crossEntropyGradient(
    logits: Matrix, firstColumn: Int, targets: [Int32], logSumExp: [Float], scale: Float
  ) {
    for i in 0..<logits.rows {
      let row = unsafe logits.row(i)
      for j in 0..<logits.columns {
        let isTarget = Int(targets[i]) == firstColumn + j
        unsafe row[j] = targets[i] < 0 ? 0 : (exp(row[j] - logSumExp[i]) - (isTarget ? 1 : 0)) * scale
      }
    }
  }

  public func divergenceGradient(
    logits: Matrix, teacher: Matrix, isCounted: [Bool], logSumExp: [Float], teacherLogSumExp: [Float], scale: Float
  ) -> [Float] {
    requireSameShape(logits, teacher)
    return (0..<logits.rows).map { i in
      let row = unsafe logits.row(i)
      var sum = 0.0
      for j in 0..<logits.columns {
        guard isCounted[i] else {
          unsafe row[j] = 0
          continue
        }
        let student = unsafe Double(row[j]) - Double(logSumExp[i])
        let taught = unsafe Double(teacher.row(i)[j]) - Double(teacherLogSumExp[i])
        sum += exp(taught) * (taught - student)
        unsafe row[j] = Float(exp(student) - exp(taught)) * scale
      }
      return Float(sum)
    }
  }

  public func columnMaxima(_ logits: Matrix) -> (values: [Float], rows: [Int32]) {
    var values = [Float](repeating: -.infinity, count: logits.columns)
    var rows = [Int32](repeating: 0, count: logits.columns)
    for i in 0..<logits.rows {
      for j in 0..<logits.columns {
        let value = unsafe logits.row(i)[j]
        if value > values[j] { (values[j], rows[j]) = (value, Int32(i)) }
      }
    }
    return (values, rows)
  }

  public func addRows(of x: Matrix, at rows: [Int32], to y: Matrix, scale: Float, direction: RowDirection) {
    for (i, row) in rows.enumerated() {
      let (source, target) = direction == .gather ? (Int(row), i) : (i, Int(row))
      add(x.rows(source..<source + 1), to: y.rows(target..<target + 1), scale: scale)
    }
  }
}
