internal import Artifacts

/// The top of the page: what was asked and when, and the few numbers that it came to.
extension Page {
  static func facts(_ report: RunReport) -> [Fact] {
    let resources = report.resources
    let commands = report.commands ?? []
    var facts = [Fact(name: "model", value: report.model.path)]
    if let output = report.output { facts.append(Fact(name: "written to", value: output)) }
    if let asked = asked(report) { facts.append(Fact(name: "asked", value: asked)) }
    if let text = report.scoring?.calibration {
      facts.append(
        Fact(
          name: "calibration",
          value: "\(text.text.joined(separator: ", ")), \(TableNumber.counted(text.sequences, "sequence")) × "
            + "\(TableNumber.counted(text.length, "token")), seed \(text.seed)"))
    }
    if !commands.isEmpty {
      facts.append(Fact(name: commands.count == 1 ? "run" : "runs", value: commands.map(run).joined(separator: "; ")))
    }
    facts.append(
      Fact(
        name: "on",
        value:
          "\(TableNumber.counted(resources.ranks, "rank")), \(TableNumber.counted(resources.hosts.count, "host")), "
          + "Espalier \(report.espalierVersion)"))
    return facts
  }

  /// `remove 40.00 % of the prunable parameters (global, γ 3.00, by ntk on max-logit, signed)`.
  private static func asked(_ report: RunReport) -> String? {
    var how = [String]()
    if let allocation = report.allocation {
      how = [allocation.method] + (allocation.method == "depth" ? [] : ["γ \(TableNumber.fixed(allocation.gamma, 2))"])
    }
    if let scoring = report.scoring {
      how.append(
        "by \(scoring.criterion)" + (scoring.objective.isEmpty ? "" : " on \(scoring.objective)")
          + (scoring.accumulation.isEmpty ? "" : ", \(scoring.accumulation)"))
    } else if let criterion = report.allocation?.criterion {
      how.append("by \(criterion)")
    }
    let ways = how.isEmpty ? "" : how.joined(separator: ", ")
    guard let sparsity = report.sparsity else { return ways.isEmpty ? nil : "score units \(ways)" }
    return "remove \(TableNumber.percent(sparsity.requested)) of the prunable parameters"
      + (ways.isEmpty ? "" : " (\(ways))")
  }

  /// `tune, 2026-11-28 15:42:12 UTC to 15:44:01 (plan, gates)`.
  private static func run(_ command: RunReport.Command) -> String {
    let (began, ended) = (RunReport.readable(command.began), command.ended.map(RunReport.readable))
    // The same day and zone once.
    let end = ended.map { $0.prefix(10) == began.prefix(10) ? String($0.dropFirst(11).prefix(8)) : $0 }
    let made = command.made.filter { $0 != RunReport.Artifact.document.rawValue }
    return "\(command.verb), \(began)" + (end.map { " to \($0)" } ?? "")
      + (made.isEmpty ? "" : " (\(made.joined(separator: ", ")))")
  }

  /// Those of every verb that had a part, each once.
  static func warnings(_ report: RunReport) -> [String] {
    let all = (report.commands ?? []).dropLast().flatMap(\.warnings) + report.warnings
    return all.enumerated().filter { index, warning in !all[..<index].contains(warning) }.map(\.element)
  }

  static func tiles(_ report: RunReport) -> [Tile] {
    var tiles: [Tile] = []
    if let sparsity = report.sparsity {
      tiles.append(
        Tile(
          name: "Sparsity", value: TableNumber.percent(sparsity.achieved),
          detail: "asked \(TableNumber.percent(sparsity.requested)) of the prunable parameters"))
    }
    func change(
      _ name: String, _ change: RunReport.Change<Int>?, _ planned: Int?, _ format: (Int) -> String
    ) {
      guard let change, let after = change.after ?? planned else { return }
      tiles.append(
        Tile(
          name: change.after == nil ? "\(name), planned" : name, value: TableNumber.change(change.before, after),
          detail: "\(format(change.before)) → \(format(after))"))
    }
    change("Parameters", report.parameters, report.planned?.parameters) { TableNumber.grouped($0) }
    change("Size", report.bytes, report.planned?.bytes) { Number.bytes($0) }
    if let tile = report.perplexity.flatMap({ perplexity($0, of: report) }) { tiles.append(tile) }
    return tiles
  }

  private static func perplexity(_ perplexity: RunReport.Perplexity, of report: RunReport) -> Tile? {
    guard let value = perplexity.after ?? perplexity.before else { return nil }
    let before = report.model.isPruned == true ? "before" : "dense"
    var detail = perplexity.after == nil ? "of the model as it was" : "of the pruned model"
    if perplexity.after != nil, let dense = perplexity.before {
      let ratio = value / dense
      detail = "\(before) \(TableNumber.fixed(dense, 2))" + (ratio.isFinite ? ", ×\(TableNumber.fixed(ratio, 2))" : "")
    }
    let verdict = report.verdict
    return Tile(
      name: "Perplexity", value: TableNumber.fixed(value, 2),
      detail: verdict.map { "\(detail): \($0.explanation)" } ?? detail, word: verdict?.rawValue)
  }
}
