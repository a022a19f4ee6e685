public import Blueprints
public import Compute

/// The matrices of a source's groups, kept from pass to pass where they fit, so that many small passes over one model
/// widen, or receive, each weight once. What a backend multiplies as it is stored in a mapped file costs no memory.
public final class WidenedWeights {
  let blueprint: Blueprint
  let backend: any ComputeBackend
  private let source: any LayerSource
  private let isKeeping: Bool
  /// Groups that need not be asked for again.
  private var known: Set<WeightGroup> = []
  private var stored: [WeightGroup: GroupWeights] = [:]
  private var widened: [WeightGroup: GroupMatrices] = [:]
  private var head: HeadPass?

  /// - Parameter isKeeping: whether all groups may stay in memory. The same on every rank, because a source may
  ///   have to be asked by all of them.
  public init(blueprint: Blueprint, backend: any ComputeBackend, source: any LayerSource, isKeeping: Bool) {
    self.blueprint = blueprint
    self.backend = backend
    self.source = source
    self.isKeeping = isKeeping
  }

  /// Announces the order in which a pass will ask for groups.
  func begin(_ schedule: [WeightGroup]) throws {
    var seen = known
    try source.begin(schedule.filter { !isKeeping || seen.insert($0).inserted })
  }

  /// Tells the source where a sweep's numbers overflowed, as ``LayerSource/sweepDone(_:)``.
  func sweepDone(_ overflow: Overflow?) throws { try source.sweepDone(overflow) }

  /// A group's tensors as they are stored.
  func stored(_ group: WeightGroup) throws -> GroupWeights {
    if let known = stored[group] { return known }
    let weights = try source.weights(of: group)
    if isKeeping {
      stored[group] = weights
      known.insert(group)
    }
    return weights
  }

  /// A group's tensors, widened; of a rank without work they are only received.
  func matrices(_ group: WeightGroup, isNeeded: Bool) throws -> GroupMatrices? {
    if let known = widened[group] { return known }
    let weights = try stored(group)
    guard isNeeded else { return nil }
    let matrices = try GroupMatrices(loading: weights, backend: backend)
    if isKeeping {
      widened[group] = matrices
      // Not twice: the matrices hold what they have not copied.
      stored[group] = nil
    }
    return matrices
  }

  /// The output head.
  func headPass(isNeeded: Bool) throws -> HeadPass? {
    if let head { return head }
    let weights = try stored(.head)
    guard isNeeded else { return nil }
    let pass = try HeadPass(blueprint, weights: weights, backend: backend)
    if isKeeping { head = pass }
    return pass
  }
}
