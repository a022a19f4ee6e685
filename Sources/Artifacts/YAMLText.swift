internal import Foundation

/// Writes strings as YAML scalars that read as the same strings.
enum YAMLText {
  /// `string` as it is where no reader of YAML 1.1 or 1.2 could take it for something else, otherwise in double quotes.
  static func scalar(_ string: String) -> String {
    isPlain(string) ? string : "\"" + string.unicodeScalars.map(escaped).joined() + "\""
  }

  /// Whether `text` is one of YAML 1.1's words for true and false.
  static func isBoolean(_ text: String) -> Bool {
    ["true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
  }

  /// Only ASCII letters, digits and marks that mean nothing to YAML, starting like a path does, and no word or number.
  private static func isPlain(_ string: String) -> Bool {
    guard let first = string.unicodeScalars.first, isLetter(first) || first == "/" || first == ".",
      string.unicodeScalars.allSatisfy({
        isLetter($0) || ("0"..."9").contains($0) || "/._-+@=".unicodeScalars.contains($0)
      })
    else { return false }
    // `.5`, `.inf` and `.nan` are numbers.
    let isNumber = first == "." && !string.contains("/")
    return !isNumber && !isBoolean(string) && !RunYAML.isNull(string) && string != "auto"
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    default: isPrintable(scalar) ? String(scalar) : numbered(scalar)
    }
  }

  private static func numbered(_ scalar: Unicode.Scalar) -> String {
    scalar.value <= 0xFFFF ? String(format: "\\u%04X", scalar.value) : String(format: "\\U%08X", scalar.value)
  }

  /// What YAML lets stand in a text as it is, without the line separators, which readers fold.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: true
    case 0x10000...0x10FFFF: true
    default: false
    }
  }
}
