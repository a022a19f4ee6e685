internal import CKernels
public import Compute

extension CPUBackend {
  public func gelu(_ x: Matrix, approximation: GELUApproximation, into y: Matrix) {
    requireSameShape(x, y)
    parallel.rows(x.rows, cost: x.columns) { i in
      switch approximation {
      case .none: unsafe ck_gelu(y.row(i), x.row(i), x.columns)
      case .tanh: unsafe ck_gelu_tanh(y.row(i), x.row(i), x.columns)
      }
    }
  }

  public func geluBackward(_ dy: Matrix, x: Matrix, approximation: GELUApproximation, into dx: Matrix) {
    requireSameShape(x, dy)
    requireSameShape(x, dx)
    parallel.rows(x.rows, cost: x.columns) { i in
      switch approximation {
      case .none: unsafe ck_gelu_backward(dx.row(i), dy.row(i), x.row(i), x.columns)
      case .tanh: unsafe ck_gelu_tanh_backward(dx.row(i), dy.row(i), x.row(i), x.columns)
      }
    }
  }
}
