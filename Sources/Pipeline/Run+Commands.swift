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
    // Whether the output can be written is known before hours of work are.
    var prepared = try prepareOutput()
    do {
      try openFolder()
      announce()
      let dense = try measure(inputs.model, as: "dense")
      let (scores, oneShot) = try select()
      var plan = oneShot
      let blueprint = inputs.model.blueprint
      var edits = TensorEdits()
      if inputs.tuningText != nil {
        _ = try measure(inputs.model, gates: blueprint.mask(plan), as: "one-shot")
        if let outcome = try tune(scores) {
          plan = outcome.plan
          edits.factors = outcome.factors
        }
      }
      let after: Perplexity?
      if inputs.recoveryText == nil {
        try repack(inputs.model, plan: plan, edits: edits, to: inputs.document.output, into: prepared)
        prepared = nil
        let pruned = try session.together { try Model(path: inputs.document.output) }
        after = try measure(pruned, as: edits.factors == nil ? "one-shot" : "gates")
      } else {
        // The cut model is an artifact of its own: recovery reads it as any other model.
        let cut = try prepare(folder.pruned, overwrite: true)
        try repack(inputs.model, plan: plan, edits: edits, to: folder.pruned, into: cut, phase: "repack cut")
        let pruned = try session.together { try Model(path: folder.pruned) }
        _ = try measure(pruned, as: edits.factors == nil ? "one-shot" : "gates")
        let updates = try recover(pruned, teacher: inputs.model)
        try repack(
          pruned, plan: nil, edits: TensorEdits(lowRank: updates), to: inputs.document.output, into: prepared)
        prepared = nil
        let recovered = try session.together { try Model(path: inputs.document.output) }
        after = try measure(recovered, as: edits.factors == nil ? "LoRA" : "gates + LoRA")
      }
      if let dense { note(before: dense, after: after) }
    } catch {
      prepared?.discard()
      throw error
    }
    let report = try finishedReport()
    try onFirst { try folder.write(report, of: inputs.document) }
    return report
  }

  /// `score`: scores.safetensors.
  public func scoreOnly() throws -> RunReport {
    try checkMemory()
    try openFolder()
    announce()
    _ = try score()
    return try finishedReport()
  }

  /// `select`: scores.safetensors and plan.json of the calibration set that keeps the model closest to the dense one.
  public func selectOnly() throws -> RunReport {
    try checkFeasibility()
    if inputs.candidates.count == 1 {
      report.warnings.append(
        "there is one candidate, so nothing was selected; ask for more (selection.seeds, selection.texts)")
    }
    try openFolder()
    announce()
    _ = try select()
    return try finishedReport()
  }

  /// `allocate`: plan.json from scores.
  ///
  /// - Parameter scores: a score file; nil for the run folder's.
  public func allocateOnly(scores path: String?) throws -> RunReport {
    let table = try scores(at: path ?? folder.scores)
    try openFolder()
    announce()
    _ = try allocate(table)
    return try finishedReport()
  }

  /// `tune`: gates.safetensors and the tuned plan.json from scores, and the perplexity of both plans.
  ///
  /// - Parameters:
  ///   - scores: a score file; nil for the run folder's.
  ///   - gradients: where rank 0's gradients of the first steps go; nil: nowhere.
  public func tuneOnly(scores path: String?, gradients: String?) throws -> RunReport {
    dump = gradients.map(GradientDump.init)
    let table = try scores(at: path ?? folder.scores)
    try openFolder()
    announce()
    let plan = try allocate(table)
    let before = try measure(inputs.model, gates: inputs.model.blueprint.mask(plan), as: "one-shot")
    if let outcome = try tune(table), let before {
      note(before: before, after: try measure(inputs.model, gates: outcome.factors, as: "gates"))
    }
    return try finishedReport()
  }

  /// `recover`: a pruned model with what low-rank adapters learned merged into its weights.
  ///
  /// - Parameter gradients: where rank 0's gradients of the first steps go; nil: nowhere.
  public func recoverOnly(gradients: String?) throws -> RunReport {
    dump = gradients.map(GradientDump.init)
    var prepared = try prepareOutput()
    do {
      try openFolder()
      announce()
      let before = try measure(inputs.model, as: "before")
      let updates = try recover(inputs.model, teacher: inputs.teacher)
      try repack(
        inputs.model, plan: nil, edits: TensorEdits(lowRank: updates), to: inputs.document.output, into: prepared)
      prepared = nil
      if let before {
        let recovered = try session.together { try Model(path: inputs.document.output) }
        note(before: before, after: try measure(recovered, as: "LoRA"))
      }
    } catch {
      prepared?.discard()
      throw error
    }
    return try finishedReport()
  }

  /// `repack`: the checkpoint that a plan leaves.
  ///
  /// - Parameters:
  ///   - plan: a plan file; nil for the run folder's.
  ///   - gates: a gates file of that plan, whose factors are folded into the weights; nil for none.
  public func repackOnly(plan path: String?, gates gatesPath: String?) throws -> RunReport {
    let plan = try plan(at: path ?? folder.plan)
    let edits = try session.together {
      try gatesPath.map { file in
        let values = try GateValues(contentsOfFile: file).checked(
          against: inputs.model.blueprint.prunableLayers, plan: plan, planHash: try plan.digest(), file: file)
        return TensorEdits(factors: inputs.model.blueprint.factors(values))
      } ?? TensorEdits()
    }
    var prepared = try prepareOutput()
    announce()
    do {
      try repack(inputs.model, plan: plan, edits: edits, to: inputs.document.output, into: prepared)
      prepared = nil
    } catch {
      prepared?.discard()
      throw error
    }
    return try finishedReport()
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
  private func scores(at path: String) throws -> ScoreTable {
    try session.together {
      let table = try ScoreTable(contentsOfFile: path)
      guard table.metadata.modelHash == inputs.modelHash else {
        throw ArtifactError(
          code: .mismatch, message: "\(path): the scores are of another model; score this model again")
      }
      return table
    }
  }

  /// The perplexity of a model, or of what gates leave of it; nil without a text.
  private func measure(_ model: Model, gates: ModelGates? = nil, as name: String) throws -> Perplexity? {
    guard !inputs.windows.isEmpty else { return nil }
    let result = try evaluator.run(model, windows: inputs.windows, gates: gates, phase: "evaluate \(name)")
    report.perplexities = (report.perplexities ?? []) + [RunReport.Measured(name: name, value: result.value)]
    return result
  }

  /// The output folder, made on rank 0.
  func prepareOutput() throws -> OutputFolder? {
    try prepare(inputs.document.output, overwrite: inputs.document.overwrite)
  }

  private func prepare(_ path: String, overwrite: Bool) throws -> OutputFolder? {
    var prepared: OutputFolder?
    try onFirst {
      prepared = try OutputFolder(preparing: path, overwrite: overwrite, sources: [inputs.document.model])
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
