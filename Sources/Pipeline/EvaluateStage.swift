internal import Compute
internal import Architectures
internal import Artifacts
internal import Communication
internal import Evaluation
internal import Repacking
internal import Transformers

/// Measures perplexity over all ranks.
struct EvaluateStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  /// The perplexity of a model, or of what gates would leave of it, equal on every rank.
  func run(
    _ model: Model, windows: [EvaluationWindow], gates: ModelGates? = nil, phase: String
  ) throws -> Perplexity {
    let communicator = session.communicator
    let own = communicator.share(of: windows)
    let source = try resources.source(model)
    let measurement = PerplexityMeasurement(
      blueprint: model.blueprint, backend: resources.measuringBackend, communicator: communicator)
    let tokens = windows.reduce(0) { $0 + $1.ids.count }
    let result = try recorder.run(phase, amount: Double(tokens), unit: "tokens") {
      recorder.share(own.reduce(0) { $0 + $1.ids.count })
      return try measurement.measure(
        own, batchTokens: resources.batchTokens, roundTokens: Self.roundTokens, source: source,
        gates: gates, progress: session.stoppableProgress)
    }
    recorder.count(source)
    resources.measuringBackend.releaseUnusedMemory()
    return result
  }

  /// Hidden states of so many tokens are held at a time: 2 GiB at a width of 8,192.
  static let roundTokens = 1 << 16
}
