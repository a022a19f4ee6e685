extension RunDocument {
  /// All keys with their defaults, meanings and allowed values, as plain text of at most 80 columns, made from the schema
  /// that reads documents.
  public static func schemaText() -> String {
    var lines = [row("KEY", "DEFAULT", "MEANING")]
    lines += rows(section: "", indent: "")
    for section in sections {
      lines.append("")
      lines.append("\(section.name): \(section.explanation)")
      lines += rows(section: section.name, indent: "  ")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let keyWidth = 21
  private static let defaultWidth = 14
  private static let width = 80

  private static func rows(section: String, indent: String) -> [String] {
    schema.filter { $0.section == section }.flatMap { field in
      let meaning = TextLayout.wrapped(
        "\(field.explanation) (\(field.expected))", width: width - keyWidth - defaultWidth - 2)
      let defaults = TextLayout.wrapped(field.defaultText, width: defaultWidth)
      return (0..<max(meaning.count, defaults.count)).map { line in
        row(
          line == 0 ? indent + field.name : "", line < defaults.count ? defaults[line] : "",
          line < meaning.count ? meaning[line] : "")
      }
    }
  }

  private static func row(_ key: String, _ value: String, _ meaning: String) -> String {
    let line = [TextLayout.left(key, keyWidth), TextLayout.left(value, defaultWidth), meaning].joined(separator: " ")
    return TextLayout.withoutTrailingSpaces(line)
  }
}
