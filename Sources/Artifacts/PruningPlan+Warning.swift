extension PruningPlan {
  /// What is missed of the sparsity that was asked for, as a part of it, from which on it is told.
  private static let mostMissed = 0.1

  /// Says that the plan removes much more or less than was asked for, why, and what helps; nil where it does not.
  public var sparsityWarning: String? {
    guard abs(achievedSparsity - requestedSparsity) > Self.mostMissed * requestedSparsity else { return nil }
    let result = "\(TableNumber.percent(requestedSparsity)) asked, \(TableNumber.percent(achievedSparsity)) reached"
    if allocation.method == "depth" {
      return "\(result): a depth cut takes whole attention parts and MLPs; ask for what some of them make, or allocate "
        + "with method global"
    }
    let cause = "units go as whole key-value heads and, of a layer, \(allocation.roundTo) neurons at a time"
    return allocation.roundTo > 1
      ? "\(result): \(cause); a lower allocation.round-to comes nearer" : "\(result): \(cause)"
  }
}
