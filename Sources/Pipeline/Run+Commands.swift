internal import GateTuning
public import Artifacts
internal import Architectures
internal import Blueprints
internal import Checkpoints
internal import Evaluation
internal import Repacking
internal import Transformers

/// What each verb of the command line does.
extension Run {
  /// `prune`: dense perplexity, scores, plan, gates, checkpoint, recovery, and the perplexity of what was written.
  public func prune() throws -> RunReport {
    try checkFeasibility()
    return try inFolder(
      "prune", result: .report, writesOutput: true,
      ending: { report in try onFirst { try folder.write(report, of: inputs.document) } },
      body: {
        let dense = try measure(inputs.model, as: "dense")
        let (plan, edits) = try planAndEdits()
        let after: Perplexity?
        if inputs.recoveryText == nil {
          try repackOutput(inputs.model, plan: plan, edits: edits)
          after = try measure(try writtenModel(), as: edits.factors == nil ? "one-shot" : "gates")
        } else {
          // The cut model is an artifact of its own: recovery reads it as any other model.
          if !isFinished("repack cut") {
            let cut = try prepare(folder.pruned, overwrite: true)
            try repack(inputs.model, plan: plan, edits: edits, to: folder.pruned, into: cut, phase: "repack cut")
          }
          let pruned = try session.together { try Model(path: folder.pruned) }
          recorder.watch(CheckpointStamp(pruned.folder))
          _ = try measure(pruned, as: edits.factors == nil ? "one-shot" : "gates")
          if !isFinished("repack") {
            let updates = try recover(pruned, teacher: inputs.model)
            try repackOutput(pruned, plan: nil, edits: TensorEdits(lowRank: updates))
          }
          after = try measure(try writtenModel(), as: edits.factors == nil ? "LoRA" : "gates + LoRA")
        }
        if let dense { note(before: dense, after: after) }
      })
  }

  /// Which units stay, and what is folded into them: by scores, and by gates where there are steps to tune them.
  private func planAndEdits() throws -> (plan: PruningPlan, edits: TensorEdits) {
    if isFinished("tune") { return try tuned() }
    let (scores, oneShot) = try select()
    guard inputs.tuningText != nil else { return (oneShot, TensorEdits()) }
    _ = try measure(inputs.model, gates: inputs.model.blueprint.mask(oneShot), as: "one-shot")
    guard let outcome = try tune(scores) else { return (oneShot, TensorEdits()) }
    return (outcome.plan, TensorEdits(factors: outcome.factors))
  }

  /// `score`: scores.safetensors.
  public func scoreOnly() throws -> RunReport {
    try checkMemory()
    return try inFolder("score", result: .scores) { _ = try score() }
  }

  /// `select`: scores.safetensors and plan.json of the calibration set that keeps the model closest to the dense one.
  public func selectOnly() throws -> RunReport {
    try checkFeasibility()
    if inputs.candidates.count == 1 {
      report.warnings.append(
        "there is one candidate, so nothing was selected; ask for more (selection.seeds, selection.texts)")
    }
    return try inFolder("select", result: .plan) { _ = try select() }
  }

  /// `allocate`: plan.json from scores.
  ///
  /// - Parameter scores: a score file; nil for the run folder's.
  public func allocateOnly(scores path: String?) throws -> RunReport {
    try session.together { try layoutCheck.requireReachable() }
    let path = path ?? folder.scores
    let table = try scores(at: path)
    return try inFolder("allocate", result: .plan, reads: [.init(name: path, value: table.digest)]) {
      _ = try allocate(table)
    }
  }

  /// `tune`: gates.safetensors and the tuned plan.json from scores, and the perplexity of both plans.
  ///
  /// - Parameters:
  ///   - scores: a score file; nil for the run folder's.
  ///   - gradients: where rank 0's gradients of the first steps go; nil: nowhere.
  public func tuneOnly(scores path: String?, gradients: String?) throws -> RunReport {
    try session.together { try layoutCheck.requireReachable() }
    dump = gradients.map(GradientDump.init)
    let path = path ?? folder.scores
    let table = try scores(at: path)
    return try inFolder("tune", result: .report, reads: [.init(name: path, value: table.digest)]) {
      var before = measured("evaluate one-shot")
      let factors: ModelGates?
      if isFinished("tune") {
        factors = try tuned().edits.factors
      } else {
        let plan = try allocate(table)
        before = try measure(inputs.model, gates: inputs.model.blueprint.mask(plan), as: "one-shot")
        factors = try tune(table)?.factors
      }
      if let factors, let before {
        note(before: before, after: try measure(inputs.model, gates: factors, as: "gates"))
      }
    }
  }

  /// `recover`: a pruned model with what low-rank adapters learned merged into its weights.
  ///
  /// - Parameter gradients: where rank 0's gradients of the first steps go; nil: nowhere.
  public func recoverOnly(gradients: String?) throws -> RunReport {
    try session.together { try layoutCheck.requireReachable(nil) }
    dump = gradients.map(GradientDump.init)
    return try inFolder("recover", result: .report, writesOutput: true) {
      let before = try measure(inputs.model, as: "before")
      if !isFinished("repack") {
        let updates = try recover(inputs.model, teacher: inputs.teacher)
        try repackOutput(inputs.model, plan: nil, edits: TensorEdits(lowRank: updates))
      }
      if let before { note(before: before, after: try measure(try writtenModel(), as: "LoRA")) }
    }
  }

  /// `repack`: the checkpoint that a plan leaves.
  ///
  /// - Parameters:
  ///   - plan: a plan file; nil for the run folder's.
  ///   - gates: a gates file of that plan, whose factors are folded into the weights; nil for none.
  public func repackOnly(plan path: String?, gates gatesPath: String?) throws -> RunReport {
    let path = path ?? folder.plan
    let plan = try plan(at: path)
    try session.together { try layoutCheck.requireReachable(plan) }
    let edits = try gatesPath.map { TensorEdits(factors: try factors(at: $0, of: plan)) } ?? TensorEdits()
    let gates = try session.together { try gatesPath.map { try FileDigest.sha256($0) } } ?? ""
    return try inFolder(
      "repack", result: .checkpoint,
      reads: [.init(name: path, value: try plan.digest()), .init(name: "--gates", value: gates)], writesOutput: true,
      writesDocument: false
    ) { try repackOutput(inputs.model, plan: plan, edits: edits) }
  }

  /// `evaluate`: perplexity of the model, and of what a plan would leave of it.
  public func evaluateOnly(plan path: String?) throws -> RunReport {
    var kept: PruningPlan?
    if let path { kept = try plan(at: path) }
    announce()
    let before = try evaluator.run(inputs.model, windows: inputs.windows, phase: "evaluate")
    var after: Perplexity?
    if let kept {
      after = try evaluator.run(
        inputs.model, windows: inputs.windows, gates: inputs.model.blueprint.mask(kept), phase: "evaluate masked")
    }
    note(before: before, after: after)
    return try finishedReport()
  }

  /// Scores made before, checked against this model.
  func scores(at path: String) throws -> ScoreTable {
    try session.together {
      let table = try ScoreTable(contentsOfFile: path)
      guard table.metadata.modelHash == inputs.modelHash else {
        throw ArtifactError(
          code: .mismatch, message: "\(path): the scores are of another model; score this model again")
      }
      recorder.hold("scores", table.digest)
      return table
    }
  }

  /// Factors of a plan's units from a gates file, checked against this model.
  func factors(at path: String, of plan: PruningPlan) throws -> ModelGates {
    try session.together {
      let values = try GateValues(contentsOfFile: path).checked(
        against: inputs.model.blueprint.prunableLayers, plan: plan, planHash: try plan.digest(), file: path)
      recorder.hold("gates", values.digest)
      return inputs.model.blueprint.factors(values)
    }
  }

  /// The perplexity of a model, or of what gates leave of it; nil without a text.
  private func measure(
    _ model: @autoclosure () throws -> Model, gates: ModelGates? = nil, as name: String
  ) throws -> Perplexity? {
    guard !inputs.windows.isEmpty else { return nil }
    let phase = "evaluate \(name)"
    if let known = measured(phase) { return known }
    let result = try evaluator.run(try model(), windows: inputs.windows, gates: gates, phase: phase)
    report.perplexities = (report.perplexities ?? []) + [RunReport.Measured(name: name, value: result.value)]
    try finish(phase, numbers: [result.negativeLogLikelihood, Double(result.tokens)])
    return result
  }

  /// The model in the output folder.
  private func writtenModel() throws -> Model { try session.together { try Model(path: inputs.document.output) } }

  /// The output folder, made on rank 0.
  func prepareOutput() throws -> OutputFolder? {
    try prepare(inputs.document.output, overwrite: inputs.document.overwrite)
  }

  /// Makes sure, on one rank, that the output folder can be prepared as far as can be seen.
  func checkOutput() throws {
    let document = inputs.document
    try OutputFolder.check(document.output, overwrite: document.overwrite, sources: [document.model])
  }

  private func prepare(_ path: String, overwrite: Bool) throws -> OutputFolder? {
    var prepared: OutputFolder?
    try onFirst {
      prepared = try OutputFolder(
        preparing: path, overwrite: overwrite, sources: [inputs.document.model], keepsShards: !isFresh)
    }
    return prepared
  }

  private var evaluator: EvaluateStage { EvaluateStage(session: session, resources: resources, recorder: recorder) }

  private func note(before: Perplexity, after: Perplexity?) {
    let evaluation = inputs.document.evaluation
    report.perplexity = RunReport.Perplexity(
      before: before.value, after: after?.value, text: evaluation.text ?? "", window: evaluation.window,
      windows: inputs.windows.count, tokens: before.tokens)
  }
}
