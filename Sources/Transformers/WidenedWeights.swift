public import Blueprints
public import Compute

/// The float32 matrices of a source's groups, kept from pass to pass where they fit, so that many small passes over one
/// model widen, or receive, each weight once.
public final class WidenedWeights {
  let blueprint: Blueprint
  let backend: any ComputeBackend
  private let source: any LayerSource
  private let isKeeping: Bool
  private var stored: [WeightGroup: GroupWeights] = [:]
  private var widened: [WeightGroup: GroupMatrices] = [:]
  private var head: HeadPass?

  /// - Parameter isKeeping: whether all groups may stay in memory in float32. The same on every rank, because a source may
  ///   have to be asked by all of them.
  public init(blueprint: Blueprint, backend: any ComputeBackend, source: any LayerSource, isKeeping: Bool) {
    self.blueprint = blueprint
    self.backend = backend
    self.source = source
    self.isKeeping = isKeeping
  }

  /// Bytes that all groups take in float32.
  public static func byteCount(_ blueprint: Blueprint) -> Int {
    blueprint.groups.reduce(0) { sum, group in
      blueprint.tensors(of: group).reduce(sum) { $0 + $1.shape.reduce(4, *) }
    }
  }

  /// Announces the order in which a pass will ask for groups.
  func begin(_ schedule: [WeightGroup]) throws {
    var seen: Set<WeightGroup> = []
    try source.begin(schedule.filter { !isKeeping || (stored[$0] == nil && seen.insert($0).inserted) })
  }

  /// A group's tensors as they are stored.
  func stored(_ group: WeightGroup) throws -> GroupWeights {
    if let known = stored[group] { return known }
    let weights = try source.weights(of: group)
    if isKeeping { stored[group] = weights }
    return weights
  }

  /// A group's tensors, widened; of a rank without work they are only received.
  func matrices(_ group: WeightGroup, isNeeded: Bool) throws -> GroupMatrices? {
    if let known = widened[group] { return known }
    let weights = try stored(group)
    guard isNeeded else { return nil }
    let matrices = try GroupMatrices(loading: weights, backend: backend)
    if isKeeping { widened[group] = matrices }
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
