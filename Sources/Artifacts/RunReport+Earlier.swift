/// Verbs one after the other in one run folder: what an earlier one told stays as long as it is true.
extension RunReport {
  /// This report with what an earlier one in the same folder told that still holds.
  ///
  /// Of what is made one from the other (``Artifact/chain``), whatever came after an artifact that is another now is left
  /// out, as is everything of another model. What both tell is this report's.
  public func continuing(_ earlier: RunReport) -> RunReport {
    guard earlier.model.hash == model.hash else { return self }
    let own = artifacts ?? Artifacts()
    let kept = earlier.retiring(own.retired(of: earlier.artifacts ?? Artifacts()))
    var report = self
    if report.scoring?.calibration == nil { report.scoring = kept.scoring ?? report.scoring }
    report.selection = selection ?? kept.selection
    report.sparsity = sparsity ?? kept.sparsity
    report.allocation = allocation ?? kept.allocation
    report.planned = planned ?? kept.planned
    if layers.isEmpty { report.layers = kept.layers }
    report.output = output ?? kept.output
    report.parameters?.after = parameters?.after ?? kept.parameters?.after
    report.bytes?.after = bytes?.after ?? kept.bytes?.after
    report.generated = generated ?? kept.generated
    let trained = Set((training ?? []).map(\.stage))
    let before = (kept.training ?? []).filter { !trained.contains($0.stage) }
    if !before.isEmpty { report.training = before + (training ?? []) }
    var all = kept.artifacts ?? Artifacts()
    for artifact in Artifact.allCases { all[artifact] = own[artifact] ?? all[artifact] }
    // Steps are told of with their stage.
    if report.training == nil { all.metrics = nil }
    report.artifacts = all
    report.take(perplexityOf: kept)
    let made = Set((commands ?? []).flatMap(\.made))
    let others = (kept.commands ?? []).map { $0.without(made) }.filter { !$0.made.isEmpty }
    if !others.isEmpty { report.commands = others + (commands ?? []) }
    return report
  }

  /// Takes over perplexities that were measured on the same text, or, without own ones, all.
  private mutating func take(perplexityOf kept: RunReport) {
    guard let earlier = kept.perplexity else { return }
    guard let own = perplexity else {
      // Only now is it known which model this report tells of.
      var other = self
      (other.perplexity, other.perplexities) = (earlier, kept.perplexities)
      other = other.retiring([])
      (perplexity, perplexities) = (other.perplexity, other.perplexities)
      return
    }
    guard own.isOnText(of: earlier) else { return }
    perplexity?.before = own.before ?? earlier.before
    let dense = (kept.perplexities ?? []).filter { $0.name == Measured.dense }
    if let perplexities, !perplexities.contains(where: { $0.name == Measured.dense }) {
      self.perplexities = dense + perplexities
    }
  }
}

extension RunReport.Artifacts {
  /// What `earlier` tells that does not belong to these: of the chain everything after an artifact that is another here,
  /// between two that are here, and before the first that is here, unless that one is the same.
  fileprivate func retired(of earlier: Self) -> Set<RunReport.Artifact> {
    var stale: Set<RunReport.Artifact> = []
    let chain = RunReport.Artifact.chain
    if let first = chain.firstIndex(where: { self[$0] != nil }), let last = chain.lastIndex(where: { self[$0] != nil })
    {
      let isSame = chain.allSatisfy { self[$0] == nil || self[$0] == earlier[$0] }
      for (index, artifact) in chain.enumerated() {
        let holds =
          self[artifact] != nil
          ? self[artifact] == earlier[artifact]
          : index < first ? self[chain[first]] == earlier[chain[first]] : index > last && isSame
        if !holds { stale.insert(artifact) }
      }
    }
    for artifact in [RunReport.Artifact.metrics, .generated, .document] where self[artifact] != nil {
      stale.insert(artifact)
    }
    return stale
  }
}

extension RunReport.Perplexity {
  /// Whether two were measured on the same windows of the same text.
  fileprivate func isOnText(of other: Self) -> Bool {
    text == other.text && window == other.window && windows == other.windows && tokens == other.tokens
  }
}
