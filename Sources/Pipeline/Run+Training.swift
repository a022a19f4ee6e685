internal import Checkpoints
internal import Allocation
internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import GateTuning
internal import Recovery
internal import Repacking
internal import Transformers

/// The stages that learn: gates, and what recovers after the cut.
extension Run {
  /// Tunes gates from scores, and leaves gates.safetensors and the tuned plan.json; nil when the document has no steps.
  func tune(_ scores: ScoreTable) throws -> TuningOutcome? {
    guard let text = inputs.tuningText else { return nil }
    let layers = inputs.model.blueprint.prunableLayers
    let settings = allocationSettings
    let stage = TuneStage(session: session, resources: resources, recorder: recorder)
    let state = StateStore(folder: folder.path, name: "tune", session: session)
    let (outcome, exchange) = try stage.run(
      inputs, text: text, scores: scores,
      allocate: { table, sparsity, gamma in
        var settings = settings
        settings.sparsity = sparsity
        settings.gamma = gamma ?? settings.gamma
        return try Allocation.allocate(table, layers: layers, settings: settings)
      },
      rescore: { [self] in try scoreStage.run(inputs, gates: $0, saved: $1).table }, state: state,
      stateDigest: try stateDigest(.gates, with: [inputs.tuningHash, scores.digest]), metrics: metrics("tune"),
      dump: dump)
    try session.communicator.requireAgreement(on: "plan", digest: try outcome.plan.digest())
    let metadata = GateValues.Metadata(
      modelHash: inputs.modelHash, planHash: try outcome.plan.digest(), dataHash: inputs.tuningHash)
    let gates = GateValues(layers: outcome.values, metadata: metadata)
    hold(.gates, gates.digest)
    try onFirst {
      try gates.write(to: folder.gates)
      try folder.write(outcome.plan)
    }
    try writeDump()
    try note(outcome.plan)
    try note(
      "tune", steps: outcome.rounds.reduce(0) { $0 + $1.steps }, tokens: outcome.tokens, exchange: exchange,
      rounds: outcome.rounds.enumerated().map { number, round in
        RunReport.Round(
          targetSparsity: round.target, sparsity: round.sparsity, steps: round.steps, loss: round.loss,
          validationPerplexity: round.validationPerplexity, isKept: number == outcome.keptRound)
      })
    warnAboutTuning(outcome)
    try finish("tune", files: [RunFolder.gatesName, RunFolder.planName])
    try state.remove()
    return outcome
  }

  /// What an earlier run's tuning came to.
  func tuned() throws -> (plan: PruningPlan, edits: TensorEdits) {
    let plan = try plan(at: folder.plan)
    return (plan, TensorEdits(factors: try factors(at: folder.gates, of: plan)))
  }

  /// Trains low-rank adapters on a pruned model; what they come to is still to be written.
  func recover(_ model: Model, teacher: Model?) throws -> [TensorRole: LowRankUpdate] {
    guard let text = inputs.recoveryText else { return [:] }
    if isFinished("recover") {
      return try session.together { try SavedState(contentsOfFile: folder.recovered).updates(of: model) }
    }
    let stage = RecoverStage(session: session, resources: resources, recorder: recorder)
    let state = StateStore(folder: folder.path, name: "recover", session: session)
    let (outcome, updates, exchange) = try stage.run(
      model, teacher: teacher, document: inputs.document, text: text, state: state,
      stateDigest: try stateDigest(
        .checkpoint, with: [inputs.recoveryHash, model.folder.modelHash(), inputs.teacherHash]),
      metrics: metrics("recover"), dump: dump)
    try note("recover", steps: inputs.document.recovery.steps, tokens: outcome.tokens, exchange: exchange, rounds: [])
    if outcome.validationPerplexity != nil, outcome.keptStep == 0 {
      report.warnings.append("recovery did not lower perplexity on held-out text: the model stays as it was")
    }
    try writeDump()
    try onFirst {
      try RunFolder(path: folder.state).make()
      try SavedState(updates, of: model).write(to: folder.recovered)
    }
    try finish("recover", files: [RunFolder.recoveredName])
    try state.remove()
    return updates
  }

  /// Rank 0's own gradients, where they were asked for.
  private func writeDump() throws { try onFirst { try dump?.write() } }

  /// Tells when tuning did not do what was asked.
  private func warnAboutTuning(_ outcome: TuningOutcome) {
    let asked = inputs.document.allocation.sparsity
    if outcome.plan.requestedSparsity < asked {
      report.warnings.append(
        "tuning stopped at \(TableNumber.percent(outcome.plan.requestedSparsity)) of \(TableNumber.percent(asked)): "
          + "validation perplexity passed tuning.stop-at")
    } else if outcome.keptRound == nil {
      report.warnings.append("tuning did not lower perplexity on held-out text: the one-shot plan stays")
    }
  }

  /// Puts a stage's numbers into the report, with what all ranks' exchanges sent. Collective.
  private func note(
    _ stage: String, steps: Int, tokens: Int, exchange: GradientExchange, rounds: [RunReport.Round]
  ) throws {
    let statistics = exchange.statistics
    recorder.trafficBytes += statistics.sentBytes
    let communicator = session.communicator
    let training = RunReport.Training(
      stage: stage, steps: steps, tokens: tokens, seconds: try communicator.maximum(of: recorder.seconds(of: stage)),
      codec: exchange.codec.rawValue, sentBytes: Int(try communicator.sum(of: Double(statistics.sentBytes))),
      uncompressedBytes: Int(try communicator.sum(of: Double(statistics.uncompressedBytes))), rounds: rounds)
    report.training = (report.training ?? []) + [training]
  }

  /// A state is of one document, model and text.
  func stateDigest(_ result: RunResult, with parts: [String]) throws -> String {
    ([inputs.document.digestBesideTexts(of: result), inputs.modelHash] + parts).joined(separator: "-")
  }

  /// Opens metrics.jsonl for a stage on the rank that writes.
  private func metrics(_ stage: String) -> (_ step: Int) throws -> MetricsFile? {
    { [self] step in
      var file: MetricsFile?
      let before = Set((report.training ?? []).map(\.stage)).subtracting([stage])
      try onFirst { file = try MetricsFile(path: folder.metrics, stage: stage, keepingUntil: step, before: before) }
      return file
    }
  }
}
