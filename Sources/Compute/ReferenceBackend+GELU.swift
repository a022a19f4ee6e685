internal import Glibc

/// GELU by its formulas, written so that neither 1 + erf nor 1 + tanh cancels for negative x.
extension ReferenceBackend {
  public func gelu(_ x: Matrix, approximation: GELUApproximation, into y: Matrix) {
    requireSameShape(x, y)
    for i in 0..<x.rows {
      for j in 0..<x.columns {
        let z = unsafe Double(x.row(i)[j])
        unsafe y.row(i)[j] = Float(z * GELUFactor(z, approximation).value)
      }
    }
  }

  public func geluBackward(_ dy: Matrix, x: Matrix, approximation: GELUApproximation, into dx: Matrix) {
    requireSameShape(x, dy)
    requireSameShape(x, dx)
    for i in 0..<x.rows {
      for j in 0..<x.columns {
        let z = unsafe Double(x.row(i)[j])
        let factor = GELUFactor(z, approximation)
        unsafe dx.row(i)[j] = Float(Double(dy.row(i)[j]) * (factor.value + z * factor.slope))
      }
    }
  }
}

/// What GELU multiplies x by, and its derivative.
private struct GELUFactor {
  let value: Double
  let slope: Double

  init(_ x: Double, _ approximation: GELUApproximation) {
    switch approximation {
    case .none:
      value = 0.5 * erfc(-x * 0.5.squareRoot())
      slope = exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
    case .tanh:
      // (1 + tanh u) / 2 = 1 / (1 + e^−2u), and its complement is that of −u.
      let twiceU = 2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      value = 1 / (1 + exp(-twiceU))
      slope = value / (1 + exp(twiceU)) * 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
    }
  }
}
