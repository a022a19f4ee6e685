internal import Tensors
public import Blueprints
public import Compute

/// The matrices of one group's tensors, as the backend multiplies them, or of their gradients: vectors are `[1, width]`.
public final class GroupMatrices {
  public let group: WeightGroup
  private var matrices: [TensorRole: Matrix]

  private init(group: WeightGroup, matrices: [TensorRole: Matrix]) {
    self.group = group
    self.matrices = matrices
  }

  /// A group's weights.
  public convenience init(loading weights: GroupWeights, backend: any ComputeBackend) throws {
    var matrices: [TensorRole: Matrix] = [:]
    for (role, tensor) in weights.all {
      let dimensions = tensor.shape.dimensions
      guard dimensions.count == 1 else {
        matrices[role] = try backend.makeWeight(tensor, rows: 0..<dimensions[0])
        continue
      }
      let matrix = try backend.makeMatrix(1, dimensions[0], isZeroed: false)
      try backend.load(tensor, rows: 0..<dimensions[0], into: matrix)
      matrices[role] = matrix
    }
    self.init(group: weights.group, matrices: matrices)
  }

  /// Zeros for the gradients of those of a group's tensors whose parts `isWanted` names.
  public convenience init(
    zerosFor group: WeightGroup, of blueprint: Blueprint, backend: any ComputeBackend,
    where isWanted: (TensorPart) -> Bool
  ) throws {
    var matrices: [TensorRole: Matrix] = [:]
    for tensor in blueprint.tensors(of: group) where isWanted(tensor.role.part) {
      matrices[tensor.role] = try backend.makeMatrix(shape: tensor.shape)
    }
    self.init(group: group, matrices: matrices)
  }

  /// The matrix in a role, or nil when it was not asked for.
  public subscript(role: TensorRole) -> Matrix? { matrices[role] }

  /// The matrices of one sublayer, with what is trained beside them.
  public func sublayer(_ index: Int, adapters: AppliedAdapters? = nil) -> SublayerMatrices {
    SublayerMatrices(matrices: self, sublayer: index, adapters: adapters)
  }

  /// All roles that have a matrix, in one order on every rank.
  public var roles: [TensorRole] {
    matrices.keys.sorted { ($0.sublayer, $0.part) < ($1.sublayer, $1.part) }
  }

  /// Sets every matrix to zero.
  public func clear(_ backend: any ComputeBackend) {
    for matrix in matrices.values { backend.fill(matrix, with: 0) }
  }
}

/// The matrices of one sublayer by part.
public struct SublayerMatrices {
  let matrices: GroupMatrices
  let sublayer: Int
  let adapters: AppliedAdapters?

  /// The matrix of a part, or nil when it was not asked for or the sublayer has none.
  public subscript(part: TensorPart) -> Matrix? {
    matrices[TensorRole(matrices.group, sublayer: sublayer, part)]
  }

  /// The matrix of a part that every sublayer of this kind has.
  func require(_ part: TensorPart) -> Matrix {
    guard let matrix = self[part] else { preconditionFailure("no \(part.rawValue) in \(matrices.group)") }
    return matrix
  }
}

extension ComputeBackend {
  /// A zero matrix for a tensor of one or two dimensions; a vector becomes a row.
  func makeMatrix(shape: [Int]) throws(ComputeError) -> Matrix {
    shape.count == 1 ? try makeMatrix(1, shape[0]) : try makeMatrix(shape[0], shape.dropFirst().reduce(1, *))
  }

  /// x · weightᵀ + bias: a projection with `weight` `[out, in]` as checkpoints store it.
  func project(_ x: Matrix, weight: Matrix, bias: Matrix?) throws(ComputeError) -> Matrix {
    let y = try makeMatrix(x.rows, weight.rows, isZeroed: false)
    multiply(x, .none, weight, .transposed, into: y, adding: false)
    if let bias { addBias(bias, to: y) }
    return y
  }

  /// The backward pass of `project`: dx (+)= dy · weight, dweight += dyᵀ · x, dbias += column sums of dy.
  func projectBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, into dx: Matrix, adding: Bool, weightGradient: Matrix?,
    biasGradient: Matrix?
  ) {
    multiply(dy, .none, weight, .none, into: dx, adding: adding)
    if let weightGradient { addWeightGradient(dy, x: x, to: weightGradient) }
    if let biasGradient { addColumnSums(of: dy, to: biasGradient) }
  }
}
