public import Artifacts
internal import Communication
internal import Optimization

extension RecoveryTrainer {
  private enum Key {
    static let values = "values"
    static let best = "best"
  }

  /// The numbers of a state that are no arrays.
  private struct Record: Codable {
    var tokens: Int
    var loss: Double
    var optimizerSteps: Int
    var startPerplexity: Double?
    var bestPerplexity: Double?
    var bestStep: Int?
  }

  /// The state after the last step.
  var state: TrainingState {
    get throws {
      var shared = SavedState()
      shared.arrays[Key.values] = values
      shared.keepMoments(of: optimizer)
      if let best = progress.best { shared.arrays[Key.best] = best.values }
      try shared.setRecord(
        Record(
          tokens: progress.tokens, loss: progress.loss, optimizerSteps: optimizer.steps,
          startPerplexity: progress.startPerplexity, bestPerplexity: progress.best?.perplexity,
          bestStep: progress.best?.step))
      return TrainingState(step: progress.step, shared: shared, own: SavedState(exchange.residuals))
    }
  }

  /// Goes on from a state that a trainer of the same settings saved.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` for a state of another model or of other settings.
  public func resume(from state: TrainingState) throws {
    let shared = state.shared
    let record = try shared.record(as: Record.self)
    values = try shared.array(Key.values, count: registry.count)
    registry.values = values
    try shared.restoreMoments(of: &optimizer, steps: record.optimizerSteps)
    progress = RecoveryProgress()
    progress.step = state.step
    progress.tokens = record.tokens
    progress.loss = record.loss
    progress.startPerplexity = record.startPerplexity
    if let perplexity = record.bestPerplexity, let step = record.bestStep {
      progress.best = RecoveryProgress.Best(
        values: try shared.array(Key.best, count: registry.count), perplexity: perplexity, step: step)
    }
    if let own = state.own { try exchange.restore(own.residuals) }
  }
}
