public import Artifacts
internal import Communication
internal import Optimization

extension GateTuner {
  private enum Key {
    static let logits = "logits"
    static let scales = "scales"
    static let best = "best"
    static let factors = "factors"
  }

  /// The numbers of a state that are no arrays.
  private struct Record: Codable {
    var tokens: Int
    var stageLoss: Double
    var dense: Double?
    var rounds: [TuningRound]
    var isStopped: Bool
    var multiplier: Double
    var logitSteps: Int
    var scaleSteps: Int
    var best: Best?
    struct Best: Codable {
      var plan: PruningPlan
      var target: Double
      var perplexity: Double?
      var round: Int?
    }
  }

  /// The state after the last step.
  var state: TrainingState {
    get throws {
      var shared = SavedState()
      shared.arrays[Key.logits] = registry.logits
      shared.arrays[Key.scales] = registry.scales
      shared.keepMoments(of: logitOptimizer, prefix: "\(Key.logits).")
      shared.keepMoments(of: scaleOptimizer, prefix: "\(Key.scales).")
      if let best = progress.best {
        shared.arrays["\(Key.best).\(Key.logits)"] = best.logits
        shared.arrays["\(Key.best).\(Key.factors)"] = best.factors
      }
      try shared.setRecord(
        Record(
          tokens: progress.tokens, stageLoss: progress.stageLoss, dense: progress.dense, rounds: progress.rounds,
          isStopped: progress.isStopped, multiplier: budget.multiplier, logitSteps: logitOptimizer.steps,
          scaleSteps: scaleOptimizer.steps,
          best: progress.best.map {
            Record.Best(plan: $0.plan, target: $0.target, perplexity: $0.perplexity, round: $0.round)
          }))
      return TrainingState(step: progress.step, shared: shared, own: SavedState(exchange.residuals))
    }
  }

  /// Goes on from a state that a tuner of the same settings saved.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` for a state of another model or of other settings.
  public func resume(from state: TrainingState) throws {
    let shared = state.shared
    let record = try shared.record(as: Record.self)
    let (gates, units) = (registry.logits.count, registry.scales.count)
    registry.logits = try shared.array(Key.logits, count: gates)
    registry.scales = try shared.array(Key.scales, count: units)
    try shared.restoreMoments(of: &logitOptimizer, prefix: "\(Key.logits).", steps: record.logitSteps)
    try shared.restoreMoments(of: &scaleOptimizer, prefix: "\(Key.scales).", steps: record.scaleSteps)
    budget.multiplier = record.multiplier
    progress = TuningProgress()
    progress.step = state.step
    progress.tokens = record.tokens
    progress.stageLoss = record.stageLoss
    progress.dense = record.dense
    progress.rounds = record.rounds
    progress.isStopped = record.isStopped
    if let best = record.best {
      progress.best = TuningProgress.Candidate(
        plan: best.plan, factors: try shared.array("\(Key.best).\(Key.factors)", count: units),
        logits: try shared.array("\(Key.best).\(Key.logits)", count: gates), target: best.target,
        perplexity: best.perplexity, round: best.round)
    }
    if let own = state.own { try exchange.restore(own.residuals) }
  }
}
