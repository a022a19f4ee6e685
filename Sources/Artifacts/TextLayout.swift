/// Columns and lines of plain text.
enum TextLayout {
  /// `text` with spaces after it up to `width` characters.
  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// `text` with spaces before it up to `width` characters.
  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// `text` broken at spaces into lines of at most `width` characters; a longer word stands alone and whole.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  static func withoutTrailingSpaces(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// `text` wrapped to `width` columns beside `label`, with `indent` columns before the text of every line.
  static func hanging(_ label: String, _ text: String, indent: Int, width: Int) -> [String] {
    wrapped(text, width: width - indent).enumerated().map { left($0 == 0 ? label : "", indent) + $1 }
  }

  /// `text` without the control characters and line breaks that would upset a terminal.
  static func visible(_ text: String) -> String {
    String(
      text.unicodeScalars.map { scalar in
        let isControl = scalar.properties.generalCategory == .control || [0x2028, 0x2029].contains(scalar.value)
        return isControl ? "\u{FFFD}" : Character(scalar)
      })
  }
}
