/// RMSNorm and LayerNorm by their formulas.
extension ReferenceBackend {
  public func rmsNorm(_ x: Matrix, weight: Matrix, epsilon: Float, into y: Matrix, inverseRMS: Matrix) {
    requireNormShapes(x, y, weight: weight, inverseRMS: inverseRMS)
    for i in 0..<x.rows {
      let source = unsafe x.row(i)
      var squares = 0.0
      for j in 0..<x.columns { unsafe squares += Double(source[j]) * Double(source[j]) }
      let inverse = Float(1 / (squares / Double(x.columns) + Double(epsilon)).squareRoot())
      unsafe inverseRMS.row(i)[0] = inverse
      for j in 0..<x.columns { unsafe y.row(i)[j] = source[j] * inverse * weight.pointer[j] }
    }
  }

  public func rmsNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, inverseRMS: Matrix, addingTo dx: Matrix, weightGradient: Matrix?
  ) {
    requireNormShapes(x, dy, weight: weight, inverseRMS: inverseRMS)
    requireSameShape(dx, x)
    if let weightGradient { requireVector(weightGradient, x.columns) }
    for i in 0..<x.rows {
      let (source, dOutput, w) = unsafe (x.row(i), dy.row(i), weight.pointer)
      let inverse = unsafe Double(inverseRMS.row(i)[0])
      var inner = 0.0
      for j in 0..<x.columns { unsafe inner += Double(dOutput[j]) * Double(w[j]) * Double(source[j]) }
      let shared = inner * inverse * inverse * inverse / Double(x.columns)
      for j in 0..<x.columns {
        unsafe dx.row(i)[j] += Float(Double(dOutput[j]) * Double(w[j]) * inverse - Double(source[j]) * shared)
        if let weightGradient {
          unsafe weightGradient.pointer[j] += dOutput[j] * source[j] * Float(inverse)
        }
      }
    }
  }

  public func layerNorm(
    _ x: Matrix, weight: Matrix, bias: Matrix?, epsilon: Float, into y: Matrix, mean: Matrix, inverseDeviation: Matrix
  ) {
    requireLayerNormShapes(x, y, vectors: [weight, bias], mean: mean, inverseDeviation: inverseDeviation)
    for i in 0..<x.rows {
      let source = unsafe x.row(i)
      var (sum, squares) = (0.0, 0.0)
      for j in 0..<x.columns { unsafe sum += Double(source[j]) }
      let center = sum / Double(x.columns)
      for j in 0..<x.columns { unsafe squares += (Double(source[j]) - center) * (Double(source[j]) - center) }
      let inverse = 1 / (squares / Double(x.columns) + Double(epsilon)).squareRoot()
      unsafe mean.row(i)[0] = Float(center)
      unsafe inverseDeviation.row(i)[0] = Float(inverse)
      for j in 0..<x.columns {
        let scaled = unsafe (Double(source[j]) - center) * inverse * Double(weight.pointer[j])
        let shift = bias.map { unsafe Double($0.pointer[j]) } ?? 0
        unsafe y.row(i)[j] = Float(scaled + shift)
      }
    }
  }

  public func layerNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, mean: Matrix, inverseDeviation: Matrix, addingTo dx: Matrix,
    weightGradient: Matrix?, biasGradient: Matrix?
  ) {
    requireLayerNormShapes(
      x, dy, vectors: [weight, weightGradient, biasGradient], mean: mean, inverseDeviation: inverseDeviation)
    requireSameShape(dx, x)
    for i in 0..<x.rows {
      let (center, inverse) = unsafe (Double(mean.row(i)[0]), Double(inverseDeviation.row(i)[0]))
      let normal = (0..<x.columns).map { unsafe (Double(x.row(i)[$0]) - center) * inverse }
      let scaled = (0..<x.columns).map { unsafe Double(dy.row(i)[$0]) * Double(weight.pointer[$0]) }
      let average = scaled.reduce(0, +) / Double(x.columns)
      let shared = zip(scaled, normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(x.columns)
      for j in 0..<x.columns {
        unsafe dx.row(i)[j] += Float(inverse * (scaled[j] - average - normal[j] * shared))
        if let weightGradient { unsafe weightGradient.pointer[j] += dy.row(i)[j] * Float(normal[j]) }
        if let biasGradient { unsafe biasGradient.pointer[j] += dy.row(i)[j] }
      }
    }
  }
}
