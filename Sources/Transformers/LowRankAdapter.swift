public import Blueprints
public import Compute

/// A low-rank update beside one weight (LoRA, Hu et al. 2021): y += scale · (x · aᵀ) · bᵀ.
public struct LowRankAdapter {
  /// `[rank, in]`
  public let a: Matrix
  /// `[out, rank]`
  public let b: Matrix
  /// The gradients, as large as `a` and `b`; backward passes add to them.
  public let aGradient: Matrix
  public let bGradient: Matrix
  /// α / r.
  public let scale: Float

  /// An adapter with `a` as given and `b` zero, so that it changes nothing yet.
  ///
  /// - Parameter a: row by row, `rank · inputs` numbers.
  /// - Throws: ``ComputeError`` without memory.
  public init(
    inputs: Int, outputs: Int, rank: Int, scale: Float, a: [Float], backend: any ComputeBackend
  ) throws(ComputeError) {
    self.a = try backend.makeMatrix(rank, inputs, values: a)
    b = try backend.makeMatrix(outputs, rank)
    aGradient = try backend.makeMatrix(rank, inputs)
    bGradient = try backend.makeMatrix(outputs, rank)
    self.scale = scale
  }
}

/// The adapters of a whole model, by the weight that each stands beside.
public typealias ModelAdapters = [TensorRole: LowRankAdapter]

/// A model's adapters as one batch meets them: with the inputs that dropout leaves out.
public struct AppliedAdapters {
  let adapters: ModelAdapters
  let dropout: AdapterDropout?

  public init(_ adapters: ModelAdapters, dropout: AdapterDropout? = nil) {
    self.adapters = adapters
    self.dropout = dropout
  }

  /// y += scale · (dropped x · aᵀ) · bᵀ.
  func add(_ role: TensorRole, of x: Matrix, to y: Matrix, backend: any ComputeBackend) throws {
    guard let adapter = adapters[role] else { return }
    let inside = try adapter.inside(try dropped(x, role, backend), backend)
    backend.multiply(inside, .none, adapter.b, .transposed, into: y, adding: true)
  }

  /// Adds to the adapter's gradients and to dx.
  func addBackward(
    _ role: TensorRole, _ dy: Matrix, x: Matrix, addingTo dx: Matrix, backend: any ComputeBackend
  ) throws {
    guard let adapter = adapters[role] else { return }
    let x = try dropped(x, role, backend)
    backend.multiply(dy, .transposed, try adapter.inside(x, backend), .none, into: adapter.bGradient, adding: true)
    let product = try backend.makeMatrix(dy.rows, adapter.a.rows)
    backend.multiply(dy, .none, adapter.b, .none, into: product, adding: false)
    let dInside = try backend.makeMatrix(like: product)
    backend.add(product, to: dInside, scale: adapter.scale)
    backend.multiply(dInside, .transposed, x, .none, into: adapter.aGradient, adding: true)
    guard let dropout else {
      backend.multiply(dInside, .none, adapter.a, .none, into: dx, adding: true)
      return
    }
    let dDropped = try backend.makeMatrix(like: x)
    backend.multiply(dInside, .none, adapter.a, .none, into: dDropped, adding: false)
    try dropout.apply(to: dDropped, role: role, backend: backend)
    backend.add(dDropped, to: dx, scale: 1)
  }

  private func dropped(_ x: Matrix, _ role: TensorRole, _ backend: any ComputeBackend) throws -> Matrix {
    guard let dropout else { return x }
    let copy = try backend.copy(x)
    try dropout.apply(to: copy, role: role, backend: backend)
    return copy
  }
}

extension LowRankAdapter {
  /// scale · x · aᵀ, `[token, rank]`.
  fileprivate func inside(_ x: Matrix, _ backend: any ComputeBackend) throws -> Matrix {
    let product = try backend.project(x, weight: a, bias: nil)
    let scaled = try backend.makeMatrix(like: product)
    backend.add(product, to: scaled, scale: scale)
    return scaled
  }
}
