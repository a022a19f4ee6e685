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
    /// The verdict in a word and, by the style sheet, in a color; nil where there is nothing to judge.
    var word: String?
  }

  /// A line at the top: what was asked, and when.
  struct Fact {
    let name: String
    let value: String
  }

  struct Section {
    let title: String
    var intro: String?
    var heatMap: HeatMap?
    var barCharts: [BarChart] = []
    var lineCharts: [LineChart] = []
    var tables: [Table] = []
    var commands: [Next] = []

    var isEmpty: Bool {
      heatMap == nil && barCharts.isEmpty && lineCharts.isEmpty && tables.isEmpty && commands.isEmpty
    }
  }

  let title: String
  let style: String
  let version: String
  let name: String
  let facts: Items<Fact>?
  let tiles: Items<Tile>?
  let warnings: Items<String>?
  let sections: [Section]
  /// The keys that were set, and the whole run document, folded.
  let document: Document?

  init(
    _ report: RunReport, steps: [TrainingStep], document: String, runFolder: String, notes: [String], style: String
  ) {
    name = report.model.path.split(separator: "/").last.map(String.init) ?? report.model.path
    title = "Pruning of \(name)"
    self.style = style
    version = report.espalierVersion
    facts = Items(Self.facts(report))
    tiles = Items(Self.tiles(report))
    warnings = Items(notes + Self.warnings(report))
    let training = report.training ?? []
    var sections = [
      Self.next(report, runFolder: runFolder), Self.result(report), Self.layers(report),
      Self.selection(report.selection ?? []),
    ]
    sections += Self.stages(training, steps: steps)
    sections += [Self.exchange(training), Self.time(report), Self.predictions(report), Self.machines(report)]
    self.sections = sections.filter { !$0.isEmpty }
    self.document = Document(report, text: document)
  }
}
