public import Artifacts
internal import Mustache

/// A run as one page of HTML, for people: report.json with the steps of metrics.jsonl as charts.
///
/// The page needs nothing else: no network, no script, no fonts. Everything that comes from the run is escaped.
public struct HTMLReport: Sendable {
  private let report: RunReport
  private let steps: [TrainingStep]
  private let resolvedYAML: String
  private let runFolder: String
  private let notes: [String]

  /// The page of a run.
  ///
  /// - Parameters:
  ///   - report: What the run did; parts that it has not are left out of the page.
  ///   - steps: The steps of training, in any order; where a run that went on after a stop repeats one, the last stands.
  ///   - resolvedYAML: The run document; an empty one is left out.
  ///   - runFolder: Where the run's files lie, for the commands that the page suggests.
  ///   - notes: What is to be known of those files, a line each, before all else.
  public init(
    report: RunReport, steps: [TrainingStep], resolvedYAML: String, runFolder: String = "", notes: [String] = []
  ) {
    self.report = report
    self.steps = steps
    self.resolvedYAML = resolvedYAML
    self.runFolder = runFolder
    self.notes = notes
  }

  /// The page. It is well-formed XML too. The same run always gives the same text.
  ///
  /// - Throws: only what Mustache says of the templates, which are part of the program.
  public func html() throws -> String {
    let templates = [
      "table": PackageResources.table_mustache, "line-chart": PackageResources.line_chart_mustache,
      "bar-chart": PackageResources.bar_chart_mustache, "heat-map": PackageResources.heat_map_mustache,
    ]
    let library = MustacheLibrary(
      templates: try templates.mapValues { try MustacheTemplate(string: String(decoding: $0, as: UTF8.self)) })
    let page = try MustacheTemplate(string: String(decoding: PackageResources.report_mustache, as: UTF8.self))
    let style = String(decoding: PackageResources.style_css, as: UTF8.self)
    return Self.printable(
      page.render(
        Page(report, steps: steps, document: resolvedYAML, runFolder: runFolder, notes: notes, style: style),
        library: library))
  }

  /// `text` without the control characters that neither HTML nor XML can hold; names in a hostile file may have them.
  private static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0A, 0x20...0x7E, 0xA0...0xFFFD, 0x10000...: result.append(scalar)
      default: result.append("\u{FFFD}")
      }
    }
    return String(result)
  }
}
