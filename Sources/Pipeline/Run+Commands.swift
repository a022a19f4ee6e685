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
      body: {
        let dense = try measure(inputs.model, as: "dense")
        let (plan, edits) = try planAndEdits()
        let after: Perplexity?
        if inputs.recoveryText == nil {
          try repackOutput(inputs.model, plan: plan, edits: edits)
          let written = try writtenModel()
          after = try measure(written, as: edits.factors == nil ? "one-shot" : "gates")
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
          let written = try writtenModel()
          after = try measure(written, as: edits.factors == nil ? "LoRA" : "gates + LoRA")
        }
        note(before: dense, after: after, of: RunReport.Artifacts(output: report.artifacts?.output))
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
      let factors: ModelGates?
      if isFinished("tune") {
        factors = try tuned().edits.factors
      } else {
        let plan = try allocate(table)
        _ = try measure(inputs.model, gates: inputs.model.blueprint.mask(plan), as: "one-shot")
        factors = try tune(table)?.factors
      }
      guard let factors else { return }
      let after = try measure(inputs.model, gates: factors, as: "gates")
      let of = RunReport.Artifacts(plan: report.artifacts?.plan, gates: report.artifacts?.gates)
      // The dense model's is an earlier verb's to tell.
      note(before: nil, after: after, of: of)
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
      let written = try writtenModel()
      let after = try measure(written, as: "LoRA")
      note(before: before, after: after, of: RunReport.Artifacts(output: report.artifacts?.output))
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
    ) {
      try repackOutput(inputs.model, plan: plan, edits: edits)
      _ = try writtenModel()
    }
  }

  /// `evaluate`: perplexity of the model, and of what a plan would leave of it.
  public func evaluateOnly(plan path: String?) throws -> RunReport {
    var kept: PruningPlan?
    begin("evaluate")
    if let path { kept = try plan(at: path) }
    announce()
    let before = try evaluator.run(inputs.model, windows: inputs.windows, phase: "evaluate")
    var after: Perplexity?
    if let kept {
      after = try evaluator.run(
        inputs.model, windows: inputs.windows, gates: inputs.model.blueprint.mask(kept), phase: "evaluate masked")
    }
    note(before: before, after: after, of: RunReport.Artifacts(plan: report.artifacts?.plan))
    let report = try finishedReport()
    try onFirst { try tellFolder(report) }
    return report
  }

  /// Scores made before, checked against this model.
  func scores(at path: String) throws -> ScoreTable {
    try session.together {
      let table = try ScoreTable(contentsOfFile: path)
      guard table.metadata.modelHash == inputs.modelHash else {
        throw ArtifactError(
          code: .mismatch, message: "\(path): the scores are of another model; score this model again")
      }
      try table.checked(against: inputs.model.blueprint.prunableLayers, file: path)
      note(table)
      return table
    }
  }

  /// Factors of a plan's units from a gates file, checked against this model.
  func factors(at path: String, of plan: PruningPlan) throws -> ModelGates {
    try session.together {
      let values = try GateValues(contentsOfFile: path).checked(
        against: inputs.model.blueprint.prunableLayers, plan: plan, planHash: try plan.digest(), file: path)
      hold(.gates, values.digest)
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

  /// The output folder, made on rank 0.
  func prepareOutput() throws -> OutputFolder? {
    try prepare(inputs.document.output, overwrite: inputs.document.overwrite)
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

  /// Puts perplexities into the report: of the model, and of what came of it, which `of` tells by its digest.
  private func note(before: Perplexity?, after: Perplexity?, of: RunReport.Artifacts) {
    guard let measured = before ?? after else { return }
    let evaluation = inputs.document.evaluation
    report.perplexity = RunReport.Perplexity(
      before: before?.value, after: after?.value, text: evaluation.text ?? "", window: evaluation.window,
      windows: inputs.windows.count, tokens: measured.tokens)
    if after != nil { report.perplexity?.of = of }
  }
}
