public import Artifacts
internal import Architectures
internal import Blueprints
internal import Checkpoints
internal import Evaluation
internal import Repacking

/// What each verb of the command line does.
extension Run {
  /// `prune`: dense perplexity, scores, plan, checkpoint, and the perplexity of what was written.
  public func prune() throws -> RunReport {
    try checkFeasibility()
    // Whether the output can be written is known before hours of work are.
    var prepared: OutputFolder?
    try onFirst {
      prepared = try OutputFolder(
        preparing: inputs.document.output, overwrite: inputs.document.overwrite, sources: [inputs.document.model])
    }
    do {
      try openFolder()
      announce()
      var before: Perplexity?
      if !inputs.windows.isEmpty {
        before = try evaluator.run(inputs.model, windows: inputs.windows, phase: "evaluate dense")
      }
      let plan = try allocate(try score())
      try repack(plan, into: prepared)
      prepared = nil
      if let before {
        let pruned = try session.together { try Model(path: inputs.document.output) }
        let after = try evaluator.run(pruned, windows: inputs.windows, phase: "evaluate pruned")
        note(before: before, after: after)
      }
    } catch {
      prepared?.discard()
      throw error
    }
    let report = try finishedReport()
    try onFirst { try folder.write(report) }
    return report
  }

  /// `score`: scores.safetensors.
  public func scoreOnly() throws -> RunReport {
    try scoreStage.checkMemory(inputs)
    try openFolder()
    announce()
    _ = try score()
    return try finishedReport()
  }

  /// `allocate`: plan.json from scores.
  ///
  /// - Parameter scores: a score file; nil for the run folder's.
  public func allocateOnly(scores path: String?) throws -> RunReport {
    let table = try session.together {
      let table = try ScoreTable(contentsOfFile: path ?? folder.scores)
      guard table.metadata.modelHash == inputs.modelHash else {
        throw ArtifactError(
          code: .mismatch, message: "\(path ?? folder.scores): the scores are of another model; score this model again")
      }
      return table
    }
    try openFolder()
    announce()
    _ = try allocate(table)
    return try finishedReport()
  }

  /// `repack`: the checkpoint that a plan leaves.
  ///
  /// - Parameter plan: a plan file; nil for the run folder's.
  public func repackOnly(plan path: String?) throws -> RunReport {
    let plan = try plan(at: path ?? folder.plan)
    var prepared: OutputFolder?
    try onFirst {
      prepared = try OutputFolder(
        preparing: inputs.document.output, overwrite: inputs.document.overwrite, sources: [inputs.document.model])
    }
    announce()
    do {
      try repack(plan, into: prepared)
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
      after = try evaluator.run(inputs.model, windows: inputs.windows, plan: kept, phase: "evaluate masked")
    }
    note(before: before, after: after)
    return try finishedReport()
  }

  private var evaluator: EvaluateStage { EvaluateStage(session: session, resources: resources, recorder: recorder) }

  private func note(before: Perplexity, after: Perplexity?) {
    let evaluation = inputs.document.evaluation
    report.perplexity = RunReport.Perplexity(
      before: before.value, after: after?.value, text: evaluation.text ?? "", window: evaluation.window,
      windows: inputs.windows.count, tokens: before.tokens)
  }
}
