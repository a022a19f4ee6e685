internal import Architectures
internal import Artifacts
internal import Communication
internal import Compute
internal import Evaluation
internal import Repacking
internal import Transformers

/// Chooses the calibration set whose plan keeps the model's predictions closest to the dense one's on held-out text
/// (DESIGN §1, Calibration choice).
struct SelectStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  /// The candidate that was chosen, and what each one came to.
  struct Choice {
    /// Its place among the inputs' candidates.
    var index: Int
    var scores: ScoreTable
    var plan: PruningPlan
    /// KL(dense ‖ pruned) of every candidate in nats per token.
    var divergences: [Double]
  }

  /// Scores, allocates, masks and compares every candidate; of equal ones the first is kept. Equal on every rank.
  ///
  /// - Parameters:
  ///   - score: all ranks together, on the inputs' calibration set, which is the candidate of that index.
  ///   - allocate: on each rank by itself.
  ///   - remember: gives what a sweep had measured before, or measures; all ranks together.
  func run(
    _ inputs: Inputs, score: (Inputs, Int) throws -> ScoreTable, allocate: (ScoreTable) throws -> PruningPlan,
    remember: (_ sweep: Int, _ measure: () throws -> [Double]) throws -> [Double]
  ) throws -> Choice {
    let candidates = inputs.candidates
    let sweeps = (candidates.count + Self.masksPerSweep - 1) / Self.masksPerSweep
    var best: (index: Int, divergence: Double, scores: ScoreTable, plan: PruningPlan)?
    var divergences: [Double] = []
    for start in stride(from: 0, to: candidates.count, by: Self.masksPerSweep) {
      var tried: [(scores: ScoreTable, plan: PruningPlan)] = []
      for index in start..<min(start + Self.masksPerSweep, candidates.count) {
        var inputs = inputs
        inputs.calibration = candidates[index]
        let scores = try recorder.turn(index + 1, of: candidates.count) { try score(inputs, index) }
        tried.append((scores, try session.together { try allocate(scores) }))
      }
      let sweep = start / Self.masksPerSweep
      let measured = try remember(sweep) {
        try recorder.turn(sweep + 1, of: sweeps) {
          try measure(tried.map { inputs.model.blueprint.mask($0.plan) }, inputs)
        }
      }
      for (candidate, divergence) in zip(tried, measured) {
        // The same on every rank.
        try session.together { try Self.requireFinite(divergence, candidate: divergences.count) }
        if divergence < best?.divergence ?? .infinity {
          best = (divergences.count, divergence, candidate.scores, candidate.plan)
        }
        divergences.append(divergence)
      }
    }
    guard let best else { preconditionFailure("a choice among no candidates") }
    return Choice(index: best.index, scores: best.scores, plan: best.plan, divergences: divergences)
  }

  /// A divergence that is no number compares with no other.
  private static func requireFinite(_ divergence: Double, candidate: Int) throws(ArtifactError) {
    guard !divergence.isFinite else { return }
    throw ArtifactError(
      code: .notFinite,
      message: "candidate \(candidate + 1): its plan's divergence from the dense model is \(divergence); lower "
        + "allocation.sparsity, or leave the candidate out (selection.seeds, selection.texts)")
  }

  /// KL of the masks' models on the held-out text.
  private func measure(_ masks: [ModelGates], _ inputs: Inputs) throws -> [Double] {
    let communicator = session.communicator
    let own = communicator.share(of: inputs.heldOut)
    let source = try resources.source(inputs.model)
    let measurement = DivergenceMeasurement(
      blueprint: inputs.model.blueprint, backend: resources.measuringBackend, communicator: communicator)
    let tokens = inputs.heldOut.reduce(0) { $0 + $1.count } * (masks.count + 1)
    let divergences = try recorder.run("select", amount: Double(tokens), unit: "tokens") {
      try measurement.measure(
        own, masks: masks, batchTokens: resources.batchTokens, roundTokens: EvaluateStage.roundTokens,
        source: source, progress: session.stoppableProgress)
    }
    recorder.count(source)
    resources.measuringBackend.releaseUnusedMemory()
    return divergences
  }

  /// Candidates that go through the model beside the dense one, and whose scores are kept until then.
  private static let masksPerSweep = 8
}
