internal import Blueprints
internal import Compute

/// The linear maps of a sublayer: a weight `[out, in]` as checkpoints store it, perhaps a bias, and perhaps a low-rank
/// adapter beside them.
extension SublayerMatrices {
  private func role(_ part: TensorPart) -> TensorRole { TensorRole(matrices.group, sublayer: sublayer, part) }

  /// The sublayer's RMSNorm of `stream` `[token, hidden]`, and 1/√… of each row `[token, 1]` for the backward pass.
  func applyNorm(
    _ norm: NormSpecification, to stream: Matrix, backend: any ComputeBackend
  ) throws -> (normed: Matrix, inverseRMS: Matrix) {
    let normed = try backend.makeMatrix(like: stream, isZeroed: false)
    let inverseRMS = try backend.makeMatrix(stream.rows, 1, isZeroed: false)
    backend.rmsNorm(stream, weight: require(.normWeight), epsilon: norm.epsilon, into: normed, inverseRMS: inverseRMS)
    return (normed, inverseRMS)
  }

  /// x · weightᵀ + bias, with the adapter's part.
  func project(_ x: Matrix, _ weight: TensorPart, bias: TensorPart, backend: any ComputeBackend) throws -> Matrix {
    let y = try backend.makeMatrix(x.rows, require(weight).rows, isZeroed: false)
    try project(x, weight, bias: bias, into: y, adding: false, backend: backend)
    return y
  }

  /// y = x · weightᵀ + bias with the adapter's part, or y += … when `adding`.
  func project(
    _ x: Matrix, _ weight: TensorPart, bias: TensorPart, into y: Matrix, adding: Bool, backend: any ComputeBackend
  ) throws {
    backend.multiply(x, .none, require(weight), .transposed, into: y, adding: adding)
    if let bias = self[bias] { backend.addBias(bias, to: y) }
    try adapters?.add(role(weight), of: x, to: y, backend: backend)
  }

  /// The backward pass: dx (+)= …, and the gradients that there are matrices for.
  func projectBackward(
    _ dy: Matrix, x: Matrix, _ weight: TensorPart, bias: TensorPart, into dx: Matrix, adding: Bool,
    gradients: SublayerMatrices?, backend: any ComputeBackend
  ) throws {
    backend.projectBackward(
      dy, x: x, weight: require(weight), into: dx, adding: adding, weightGradient: gradients?[weight],
      biasGradient: gradients?[bias])
    try adapters?.addBackward(role(weight), dy, x: x, addingTo: dx, backend: backend)
  }
}

extension [Double] {
  /// Adds Σ x · dy of each unit, as ``ComputeBackend/addUnitProducts(of:with:width:to:)``.
  mutating func withUnitProducts(of x: Matrix, with dy: Matrix, width: Int, backend: any ComputeBackend) {
    backend.addUnitProducts(of: x, with: dy, width: width, to: &self)
  }
}
