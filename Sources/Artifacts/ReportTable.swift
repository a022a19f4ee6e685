/// The closing table of a run: plain text, aligned, at most 80 columns unless a single name is longer.
public struct ReportTable: Sendable {
  let report: RunReport

  static let width = 80

  /// The table of `report`.
  public init(_ report: RunReport) { self.report = report }

  /// The whole table; every line ends with a line break.
  public var text: String {
    let blocks = [
      changes(), perplexities(), selection(), training(), rounds(), phases(), predictions(), machines(), warnings(),
    ]
    .filter { !$0.isEmpty }
    return blocks.map { Self.aligned($0).map { TextLayout.withoutTrailingSpaces($0) + "\n" }.joined() }
      .joined(separator: "\n")
  }

  /// What the pruning changed, before and after.
  private func changes() -> [Line] {
    var lines: [Line] = []
    if let parameters = report.parameters {
      lines.append(row("parameters", parameters, report.planned?.parameters) { TableNumber.grouped($0) })
    }
    if let bytes = report.bytes {
      lines.append(row("size", bytes, report.planned?.bytes) { ByteSize(bytes: max(0, $0)).rounded })
    }
    if let sparsity = report.sparsity {
      lines.append(
        line(
          "sparsity", "asked " + TableNumber.percent(sparsity.requested),
          "reached " + TableNumber.percent(sparsity.achieved)))
    }
    if let perplexity = report.perplexity { lines += perplexityLines(perplexity) }
    if !lines.isEmpty, hasAfter { lines.insert(line("", "before", "after"), at: 0) }
    return lines
  }

  /// Whether anything was pruned: measures of a model alone make one column without a head.
  private var hasAfter: Bool {
    report.parameters?.after != nil || report.bytes?.after != nil || report.perplexity?.after != nil
      || report.sparsity != nil
  }

  /// What stands for a number that there is none of.
  private var noNumber: String { hasAfter ? "–" : "" }

  private func perplexityLines(_ perplexity: RunReport.Perplexity) -> [Line] {
    var note = report.verdict == .broken ? RunReport.Verdict.broken.rawValue : ""
    if let before = perplexity.before, let after = perplexity.after, before > 0, before.isFinite, after.isFinite {
      note = "×" + TableNumber.fixed(after / before, 2)
    }
    let measured =
      "\(TextLayout.visible(perplexity.text)), \(TableNumber.counted(perplexity.windows, "window")) of "
      + "\(TableNumber.grouped(perplexity.window)), \(TableNumber.grouped(perplexity.tokens)) tokens"
    return [
      line(
        "perplexity", perplexity.before.map { TableNumber.fixed($0, 2) } ?? "–",
        perplexity.after.map { TableNumber.fixed($0, 2) } ?? noNumber, note)
    ] + hanging("", measured)
  }

  /// Seconds per phase. The total is of the slowest ranks, phase by phase.
  private func phases() -> [Line] {
    guard !report.phases.isEmpty else { return [] }
    let hasMemory = report.phases.contains { $0.peakBytes != nil }
    var lines = [line("phase", "seconds (max)", "max/mean", hasMemory ? "rate, memory" : "rate")]
    for phase in report.phases {
      let ratio = phase.secondsMean > 0 ? TableNumber.fixed(phase.secondsMax / phase.secondsMean, 2) : "–"
      let rate = phase.rate.map { "\(TableNumber.rate($0.value)) \(TextLayout.visible($0.unit))" }
      let memory = phase.peakBytes.map { ByteSize(bytes: max(0, $0)).rounded }
      let note = [rate, memory].compactMap { $0 }.joined(separator: ", ")
      lines.append(line(TextLayout.visible(phase.name), TableNumber.fixed(phase.secondsMax, 1), ratio, note))
    }
    let total = report.phases.reduce(0) { $0 + $1.secondsMax }
    lines.append(line("total", TableNumber.fixed(total, 1), ""))
    return lines
  }

  /// What it ran on and what that took.
  private func machines() -> [Line] {
    let resources = report.resources
    let hosts =
      resources.hosts.count == 1
      ? "on \(TextLayout.visible(resources.hosts[0]))"
      : "on " + TableNumber.counted(resources.hosts.count, "host")
    let ran =
      "\(TableNumber.counted(resources.ranks, "rank")) \(hosts), \(TableNumber.counted(resources.threads, "thread")) each, "
      + "backend \(TextLayout.visible(resources.backend))"
    var lines = hanging("ranks", ran)
    if !report.peakBytes.isEmpty { lines += hanging("peak memory", peakMemory()) }
    if report.trafficBytes > 0 { lines += hanging("traffic", ByteSize(bytes: report.trafficBytes).rounded) }
    let stragglers = report.phases.compactMap { phase in
      phase.straggler.map {
        "rank \($0.rank) on \(TextLayout.visible($0.host)), \(TableNumber.fixed($0.ratio, 1)) × the median in "
          + TextLayout.visible(phase.name)
      }
    }
    if !stragglers.isEmpty { lines += hanging("stragglers", stragglers.joined(separator: "; ")) }
    if let generated = report.generated {
      lines += hanging(
        "generated",
        "\(TextLayout.visible(generated.path)), \(TableNumber.counted(generated.sequences, "sequence")) of "
          + "\(TableNumber.grouped(generated.length)) tokens, each from a prompt of \(TableNumber.grouped(generated.prompt))"
      )
    }
    if let output = report.output { lines += hanging("output", TextLayout.visible(output)) }
    return lines
  }

  /// Every rank where there are few, otherwise the largest, the smallest and the mean.
  private func peakMemory() -> String {
    let sizes = report.peakBytes.map { ByteSize(bytes: max(0, $0)) }
    guard sizes.count > 4, let most = sizes.max(), let least = sizes.min() else {
      return sizes.enumerated().map { "\($1.rounded) (rank \($0))" }.joined(separator: ", ")
    }
    // Each is divided before the sum, which then cannot overflow.
    let mean = ByteSize(bytes: sizes.reduce(0) { $0 + $1.bytes / sizes.count })
    let rank = sizes.firstIndex(of: most) ?? 0
    return "max \(most.rounded) (rank \(rank)), mean \(mean.rounded), "
      + "min \(least.rounded) of \(sizes.count) ranks"
  }

  private func warnings() -> [Line] {
    report.warnings.flatMap {
      TextLayout.hanging("warning: ", TextLayout.visible($0), indent: 9, width: Self.width).map(Line.text)
    }
  }

  /// A number before and after; where nothing is written yet, as the plan would leave it.
  private func row(
    _ name: String, _ change: RunReport.Change<Int>, _ planned: Int?, _ format: (Int) -> String
  ) -> Line {
    guard let after = change.after ?? planned else { return line(name, format(change.before), noNumber) }
    let note = [TableNumber.change(change.before, after), change.after == nil ? "planned" : ""]
    return line(
      name, format(change.before), format(after), note.filter { !$0.isEmpty }.joined(separator: ", "))
  }

  private func hanging(_ name: String, _ text: String) -> [Line] {
    TextLayout.hanging(name, text, indent: Self.nameWidth, width: Self.width).map(Line.text)
  }
}
