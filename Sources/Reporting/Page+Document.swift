internal import Artifacts

/// The run document: what differs from the defaults, and behind it everything.
extension Page {
  struct Document {
    let settings: Table?
    /// Whose run.yaml it is.
    let title: String
    let text: String?

    /// nil without either.
    init?(_ report: RunReport, text: String) {
      let commands = report.commands ?? []
      let rows = commands.flatMap { command in command.settings.map { [command.verb, $0.key, $0.value] } }
      settings =
        rows.isEmpty
        ? nil
        : Table(
          "Keys that were set", columns: ["verb", "key", "value"].dropFirst(commands.count > 1 ? 0 : 1).map(\.self),
          rows: commands.count > 1 ? rows : rows.map { Array($0.dropFirst()) })
      self.text = text.isEmpty ? nil : text
      let owner = commands.last { $0.made.contains(RunReport.Artifact.document.rawValue) }
      title = "run.yaml" + (commands.count > 1 ? owner.map { " of \($0.verb)" } ?? "" : "")
      if settings == nil, self.text == nil { return nil }
    }
  }
}
