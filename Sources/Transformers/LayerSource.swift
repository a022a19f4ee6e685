public import Blueprints
public import Tensors

/// Where a pass over a model gets its weights from: a mapped folder, another rank's memory, anything.
///
/// A pass says beforehand which groups it will ask for and in which order, so that a source can fetch ahead; it then asks
/// for exactly these, in that order. A model's arithmetic knows no more of ranks than this.
public protocol LayerSource: AnyObject {
  /// Announces the order of the requests to come; what was announced before and not asked for is dropped.
  func begin(_ schedule: [WeightGroup]) throws
  /// The tensors of the next group in the schedule; waits until they are here.
  func weights(of group: WeightGroup) throws -> GroupWeights
  /// Hears that a batch went through the group, for whoever wants to know that the pass goes on.
  func batchDone()
  /// Hears at a sweep's end where this rank's numbers overflowed; nil: nowhere. Every rank says so at the same points,
  /// without batches too.
  ///
  /// - Throws: where any rank's did, and where ranks work together on all of them.
  func sweepDone(_ overflow: Overflow?) throws
}

extension LayerSource {
  /// Most sources do not care.
  public func batchDone() {}

  /// Sources without ranks.
  public func sweepDone(_ overflow: Overflow?) throws {
    if let overflow { throw overflow }
  }
}

/// The tensors of one group as they are stored, by role.
public struct GroupWeights: Sendable {
  public let group: WeightGroup
  private let tensors: [TensorRole: StoredTensor]

  public init(group: WeightGroup, tensors: [TensorRole: StoredTensor]) {
    self.group = group
    self.tensors = tensors
  }

  /// The tensor in a role. Traps for a role that the blueprint does not have: sources deliver whole groups.
  public subscript(role: TensorRole) -> StoredTensor {
    guard let tensor = tensors[role] else { preconditionFailure("no tensor for \(role)") }
    return tensor
  }

  /// All roles with their tensors, in no order.
  public var all: [(key: TensorRole, value: StoredTensor)] { Array(tensors) }

  /// Bytes of all tensors as they are stored.
  public var byteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }
}
