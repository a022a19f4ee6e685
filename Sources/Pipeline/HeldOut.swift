internal import Architectures
internal import Communication
internal import Evaluation
internal import Transformers

/// The held-out text of a stage that trains, and what measures perplexity on it.
struct HeldOut {
  private let windows: [EvaluationWindow]
  private let measurement: PerplexityMeasurement
  private let source: any LayerSource
  private let batchTokens: Int

  /// nil when nothing is held out.
  ///
  /// - Parameter source: the stage's own, so that the weights it holds are held once: passes follow each other.
  init?(_ text: TrainingText, model: Model, source: any LayerSource, resources: Resources, session: Session) {
    guard !text.validation.isEmpty else { return nil }
    windows = session.communicator.share(of: text.validation)
    measurement = PerplexityMeasurement(
      blueprint: model.blueprint, backend: resources.backend, communicator: session.communicator)
    self.source = source
    batchTokens = resources.batchTokens
  }

  /// Perplexity over all ranks' windows. Collective.
  ///
  /// - Parameter context: what is told when numbers overflow.
  func perplexity(
    gates: ModelGates? = nil, adapters: ModelAdapters = [:], context: Overflow.Context
  ) throws -> Double {
    try measurement.measure(
      windows, batchTokens: batchTokens, roundTokens: EvaluateStage.roundTokens, source: source, gates: gates,
      adapters: adapters, context: context
    ).value
  }
}
