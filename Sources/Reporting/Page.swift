internal import Artifacts

/// What report.mustache is filled with. Every text is as it is: the template escapes.
struct Page {
  struct Items<Item> {
    let items: [Item]

    /// nil without an item, so that the template leaves out what stands around them too.
    init?(_ items: [Item]) {
      guard !items.isEmpty else { return nil }
      self.items = items
    }
  }

  struct Tile {
    let name: String
    let value: String
    let detail: String
  }

  struct Section {
    let title: String
    var intro: String?
    var heatMap: HeatMap?
    var barCharts: [BarChart] = []
    var lineCharts: [LineChart] = []
    var tables: [Table] = []

    var isEmpty: Bool { heatMap == nil && barCharts.isEmpty && lineCharts.isEmpty && tables.isEmpty }
  }

  let title: String
  let style: String
  let version: String
  let name: String
  let facts: [String]
  let tiles: Items<Tile>?
  let warnings: Items<String>?
  let sections: [Section]
  let document: String?

  init(_ report: RunReport, steps: [TrainingStep], document: String, style: String) {
    name = report.model.path.split(separator: "/").last.map(String.init) ?? report.model.path
    title = "Pruning of \(name)"
    self.style = style
    version = report.espalierVersion
    facts = Self.facts(report)
    tiles = Items(Self.tiles(report))
    warnings = Items(report.warnings)
    let training = report.training ?? []
    var sections = [Self.result(report), Self.layers(report), Self.selection(report.selection ?? [])]
    sections += Self.stages(training, steps: steps)
    sections += [Self.exchange(training), Self.time(report), Self.predictions(report), Self.machines(report)]
    self.sections = sections.filter { !$0.isEmpty }
    self.document = document.isEmpty ? nil : document
  }

  private static func facts(_ report: RunReport) -> [String] {
    let resources = report.resources
    var facts = [report.model.path]
    if let output = report.output { facts.append("written to \(output)") }
    facts.append(
      "\(TableNumber.counted(resources.ranks, "rank")) on \(TableNumber.counted(resources.hosts.count, "host"))")
    facts.append("Espalier \(report.espalierVersion)")
    return facts
  }

  private static func tiles(_ report: RunReport) -> [Tile] {
    var tiles: [Tile] = []
    if let sparsity = report.sparsity {
      tiles.append(
        Tile(
          name: "Sparsity", value: TableNumber.percent(sparsity.achieved),
          detail: "asked \(TableNumber.percent(sparsity.requested)) of the prunable parameters"))
    }
    if let (before, after) = report.parameters.flatMap({ change in change.after.map { (change.before, $0) } }) {
      tiles.append(
        Tile(
          name: "Parameters", value: TableNumber.change(before, after),
          detail: "\(TableNumber.grouped(before)) → \(TableNumber.grouped(after))"))
    }
    if let (before, after) = report.bytes.flatMap({ change in change.after.map { (change.before, $0) } }) {
      tiles.append(
        Tile(
          name: "Size", value: TableNumber.change(before, after),
          detail: "\(Number.bytes(before)) → \(Number.bytes(after))"))
    }
    if let perplexity = report.perplexity, let value = perplexity.after ?? perplexity.before {
      let ratio = perplexity.before.map { value / $0 } ?? .nan
      tiles.append(
        Tile(
          name: "Perplexity", value: TableNumber.fixed(value, 2),
          detail: perplexity.after == nil
            ? "of the dense model"
            : perplexity.before.map {
              "dense \(TableNumber.fixed($0, 2))" + (ratio.isFinite ? ", ×\(TableNumber.fixed(ratio, 2))" : "")
            } ?? "of the pruned model"))
    }
    return tiles
  }
}
