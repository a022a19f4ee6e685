extension RunDocument {
  /// The document as YAML with every key and its resolved value, in the documented order, with short comments. The same
  /// document always gives the same text, and reading it (in the same folder) gives an equal document.
  public func resolvedYAML() -> String {
    var lines = ["# Every key of the run with the value that was used."]
    append(section: "", indent: "", to: &lines)
    for section in Self.sections {
      lines.append("")
      lines.append("# " + section.explanation)
      lines.append(section.name + ":")
      append(section: section.name, indent: "  ", to: &lines)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Appends a section's keys; comments stand in one column unless a value is long.
  private func append(section: String, indent: String, to lines: inout [String]) {
    for field in Self.schema where field.section == section {
      let start = indent + field.name + ":"
      switch field.text(self) {
      case .scalar(let scalar): lines.append(Self.commented("\(start) \(scalar)", field))
      case .list(let elements) where elements.isEmpty: lines.append(Self.commented("\(start) []", field))
      case .list(let elements):
        lines.append(Self.commented(start, field))
        lines += elements.map { "\(indent)  - \($0)" }
      }
    }
  }

  private static let commentColumn = 28

  private static func commented(_ line: String, _ field: RunField) -> String {
    let padding = String(repeating: " ", count: max(0, commentColumn - line.count))
    return "\(line)\(padding)  # \(field.explanation)"
  }
}
