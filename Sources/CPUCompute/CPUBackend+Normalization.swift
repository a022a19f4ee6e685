internal import CKernels
public import Compute

/// RMSNorm and LayerNorm, row by row.
extension CPUBackend {
  public func rmsNorm(_ x: Matrix, weight: Matrix, epsilon: Float, into y: Matrix, inverseRMS: Matrix) {
    requireNormShapes(x, y, weight: weight, inverseRMS: inverseRMS)
    parallel.rows(x.rows, cost: x.columns) { i in
      unsafe inverseRMS.row(i)[0] = unsafe ck_rms_norm(y.row(i), x.row(i), weight.pointer, epsilon, x.columns)
    }
  }

  public func rmsNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, inverseRMS: Matrix, addingTo dx: Matrix, weightGradient: Matrix?
  ) {
    requireNormShapes(x, dy, weight: weight, inverseRMS: inverseRMS)
    requireSameShape(dx, x)
    if let weightGradient { requireVector(weightGradient, x.columns) }
    parallel.rows(x.rows, cost: x.columns) { i in
      unsafe ck_rms_norm_backward(
        dx.row(i), dy.row(i), x.row(i), weight.pointer, inverseRMS.row(i)[0], x.columns)
    }
    guard let weightGradient else { return }
    parallel.columns(x.columns, cost: x.rows) { part in
      for i in 0..<x.rows {
        unsafe ck_add_scaled_products(
          weightGradient.pointer + part.lowerBound, dy.row(i) + part.lowerBound, x.row(i) + part.lowerBound,
          inverseRMS.row(i)[0], part.count)
      }
    }
  }

  public func layerNorm(
    _ x: Matrix, weight: Matrix, bias: Matrix?, epsilon: Float, into y: Matrix, mean: Matrix, inverseDeviation: Matrix
  ) {
    requireLayerNormShapes(x, y, vectors: [weight, bias], mean: mean, inverseDeviation: inverseDeviation)
    parallel.rows(x.rows, cost: x.columns) { i in
      unsafe inverseDeviation.row(i)[0] = unsafe ck_layer_norm(
        y.row(i), mean.row(i), x.row(i), weight.pointer, bias?.pointer, epsilon, x.columns)
    }
  }

  public func layerNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, mean: Matrix, inverseDeviation: Matrix, addingTo dx: Matrix,
    weightGradient: Matrix?, biasGradient: Matrix?
  ) {
    requireLayerNormShapes(
      x, dy, vectors: [weight, weightGradient, biasGradient], mean: mean, inverseDeviation: inverseDeviation)
    requireSameShape(dx, x)
    func row(_ i: Int) {
      unsafe ck_layer_norm_backward(
        dx.row(i), weightGradient?.pointer, biasGradient?.pointer, dy.row(i), x.row(i), weight.pointer, mean.row(i)[0],
        inverseDeviation.row(i)[0], x.columns)
    }
    if weightGradient == nil && biasGradient == nil {
      parallel.rows(x.rows, cost: x.columns, row)
    } else {
      // All rows add to the parameters' gradients.
      for i in 0..<x.rows { row(i) }
    }
  }
}
