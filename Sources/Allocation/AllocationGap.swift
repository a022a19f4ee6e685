public import Artifacts

/// Why a plan is not at the sparsity that was asked for. Beyond reach is an error; what is left is that units go a few at a
/// time: a sparsity below half of what goes first removes nothing.
public struct AllocationGap: CustomStringConvertible, Sendable, Equatable {
  public let requested: Double
  public let achieved: Double
  /// Share of the prunable parameters that go at a time.
  public let step: Double
  /// What sets the step, and what to do.
  public let reason: String

  /// One line: `5.00 % asked, 0.00 % reached: …`.
  public var description: String {
    "\(TableNumber.percent(requested)) asked, \(TableNumber.percent(achieved)) reached: \(reason)"
  }

  /// What may be missed of the sparsity that was asked for, as a part of it.
  private static let tolerance = 0.1

  /// nil for a plan that is as near as it should be.
  ///
  /// - Parameters:
  ///   - plan: of a model of `layers`, with the record of how it was allocated.
  public init?(_ plan: PruningPlan, layers: [PrunableLayer]) {
    let total = layers.reduce(0.0) {
      $0 + Double($1.attentionUnits) * Double($1.attentionParametersPerUnit) + Double($1.mlpUnits)
        * Double($1.mlpParametersPerUnit)
    }
    let missed = abs(plan.requestedSparsity - plan.achievedSparsity)
    guard total > 0, missed > Self.tolerance * plan.requestedSparsity else { return nil }
    let roundTo = plan.allocation.roundTo
    (requested, achieved) = (plan.requestedSparsity, plan.achievedSparsity)
    // Layers that have neurons to lose, and how many parameters go there at a time.
    let neurons = layers.filter { $0.mlpUnits > roundTo }
      .map { Double(roundTo) * Double($0.mlpParametersPerUnit) }
    let heads = layers.filter { $0.attentionUnits > 1 }.map { Double($0.attentionParametersPerUnit) }
    let method = AllocationSettings.Method(rawValue: plan.allocation.method)
    let advice = roundTo > 1 ? "; lower allocation.round-to" : ""
    switch (method, neurons.isEmpty) {
    case (.depth, _):
      let sublayers = layers.flatMap {
        [
          Double($0.attentionUnits) * Double($0.attentionParametersPerUnit),
          Double($0.mlpUnits) * Double($0.mlpParametersPerUnit),
        ]
      }
      step = (sublayers.max() ?? 0) / total
      reason =
        "a depth cut takes whole sublayers, of up to \(TableNumber.percent(step)) of the prunable parameters; ask for a "
        + "sparsity near a multiple of it, or allocate with method global"
    case (_, true):
      step = (method == .uniform ? heads.reduce(0, +) : heads.max() ?? 0) / total
      reason =
        "no layer has more neurons than round-to (\(roundTo)), so only attention units go, "
        + "\(TableNumber.percent(step)) of the prunable parameters at a time\(advice)"
    case (.uniform, false):
      step = neurons.reduce(0, +) / total
      reason =
        "layers lose \(roundTo) neurons at a time (round-to), and all of them alike (method uniform): "
        + "\(TableNumber.percent(step)) of the prunable parameters\(advice.isEmpty ? ";" : advice + ", or") allocate with "
        + "method global"
    // A plan by hand or of another stage names no method.
    case (.global, false), (nil, false):
      step = (neurons.max() ?? 0) / total
      reason =
        "a layer loses \(roundTo) neurons at a time (round-to), which are \(TableNumber.percent(step)) of the "
        + "prunable parameters\(advice)"
    }
  }
}
