/// Text for messages that promise to be one line, whatever names a file brings with it.
package enum OneLine {
  /// `text` with control characters and line separators written as `\u{…}`.
  package static func text(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: breaksLine) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if breaksLine(scalar) {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// `name` in quotation marks, without control characters, and cut at 120 characters: names in a hostile file may be
  /// megabytes long.
  package static func quoted(_ name: String) -> String {
    let limit = 120
    guard let end = name.index(name.startIndex, offsetBy: limit, limitedBy: name.endIndex), end < name.endIndex else {
      return "\"" + text(name) + "\""
    }
    return "\"" + text(String(name[..<end])) + "…\""
  }

  private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E: true
    default: false
    }
  }
}
