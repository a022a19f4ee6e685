internal import Artifacts

/// What came of the run: before and after, layer by layer, and what the choice of text was.
extension Page {
  static func result(_ report: RunReport) -> Section {
    var section = Section(title: "Before and after")
    if let perplexity = report.perplexity {
      section.intro =
        "Perplexity on \(perplexity.text): \(TableNumber.counted(perplexity.windows, "window")) of "
        + "\(TableNumber.grouped(perplexity.window)) tokens, \(TableNumber.grouped(perplexity.tokens)) predicted."
    }
    let measured = report.perplexities ?? []
    // A chart says what few numbers cannot.
    let rows = comparison(report) + (measured.count < BarChart.leastRows ? steps(measured, of: report) : [])
    if !rows.isEmpty {
      section.tables = [Table("Model", columns: ["", "#before", "#after", "#change"], rows: rows)]
    }
    let dense = measured.first { $0.name == "dense" }?.value
    let bars = measured.map { measured in
      let ratio = dense.map { measured.value / $0 } ?? .nan
      let isCompared = measured.name != "dense" && ratio.isFinite
      return BarChart.Row(
        label: measured.name, bars: [(measured.value, "\(measured.name): \(Number.short(measured.value))")],
        text: TableNumber.fixed(measured.value, 2) + (isCompared ? "  ×\(TableNumber.fixed(ratio, 2))" : ""))
    }
    if let chart = BarChart(title: "Perplexity after each step", xTitle: "perplexity", rows: bars) {
      section.barCharts = [chart]
    }
    return section
  }

  /// Rows of the table: name, before, after, change.
  private static func comparison(_ report: RunReport) -> [[String]] {
    var rows: [[String]] = []
    func row(
      _ name: String, _ change: RunReport.Change<Int>?, _ planned: Int? = nil, _ format: (Int) -> String
    ) {
      guard let change else { return }
      let after = change.after ?? planned
      rows.append([
        change.after == nil && planned != nil ? "\(name), planned" : name, format(change.before),
        after.map(format) ?? "–", after.map { TableNumber.change(change.before, $0) } ?? "",
      ])
    }
    row("parameters", report.parameters, report.planned?.parameters) { TableNumber.grouped($0) }
    row("size", report.bytes, report.planned?.bytes) { Number.bytes($0) }
    if let perplexity = report.perplexity {
      let ratio = (perplexity.after ?? .nan) / (perplexity.before ?? .nan)
      rows.append([
        "perplexity", perplexity.before.map { TableNumber.fixed($0, 2) } ?? "–",
        perplexity.after.map { TableNumber.fixed($0, 2) } ?? "–",
        ratio.isFinite ? "×" + TableNumber.fixed(ratio, 2) : "",
      ])
    }
    for (name, units) in [("attention units", report.layers.map(\.attention)), ("neurons", report.layers.map(\.mlp))]
    where !units.isEmpty {
      // Wrapping: a damaged file's numbers may be anything.
      row(
        name,
        RunReport.Change(before: units.reduce(0) { $0 &+ $1.total }, after: units.reduce(0) { $0 &+ $1.kept })
      ) { TableNumber.grouped($0) }
    }
    return rows
  }

  /// Rows of perplexities that the row of the comparison does not have.
  private static func steps(_ measured: [RunReport.Measured], of report: RunReport) -> [[String]] {
    let told = [report.perplexity?.before, report.perplexity?.after]
    return measured.filter { !told.contains($0.value) }
      .map { ["perplexity, \($0.name)", "", TableNumber.fixed($0.value, 2), ""] }
  }

  static func layers(_ report: RunReport) -> Section {
    Section(
      title: "Kept by layer",
      intro:
        "Percent of attention units (key-value heads with their query heads) and of MLP neurons that each layer keeps.",
      heatMap: HeatMap(report.layers))
  }

  static func selection(_ candidates: [RunReport.Candidate]) -> Section {
    guard !candidates.isEmpty else { return Section(title: "Calibration text") }
    let chosen = candidates.indices.filter { candidates[$0].isChosen }
    return Section(
      title: "Calibration text",
      intro:
        "Each candidate was scored, allocated and masked; the one with the smallest KL(dense ‖ pruned) on held-out "
        + "text, in nats per token, was chosen.",
      tables: [
        Table(
          "Candidates", columns: ["name", "text", "#seed", "#divergence", ""],
          rows: candidates.map {
            [$0.name, $0.text, "\($0.seed)", Number.short($0.divergence), $0.isChosen ? "chosen" : ""]
          }, marked: Set(chosen))
      ])
  }
}
