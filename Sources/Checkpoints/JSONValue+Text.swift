internal import Safetensors

/// Writing JSON text.
extension JSONValue {
  /// The text as Hugging Face writes configuration files: keys sorted, two spaces of indentation, a line feed at the end.
  /// Slashes and characters beyond ASCII stand as they are.
  public var prettyText: String {
    var text = [UInt8]()
    append(to: &text, indentation: 0)
    text.append(0x0A)
    return String(decoding: text, as: UTF8.self)
  }

  /// The text in one line without white space, keys sorted by their bytes: equal values give equal text, for hashing.
  public var canonicalText: String {
    var text = [UInt8]()
    append(to: &text, indentation: nil)
    return String(decoding: text, as: UTF8.self)
  }

  private func append(to text: inout [UInt8], indentation: Int?) {
    switch self {
    case .null: text += "null".utf8
    case .bool(let value): text += (value ? "true" : "false").utf8
    case .integer(let value): text += String(value).utf8
    case .number(let value): text += Self.text(of: value).utf8
    case .string(let value): JSONText.append(value, to: &text)
    case .array(let elements):
      Self.append(elements, "[", "]", to: &text, indentation) { element, text, inner in
        element.append(to: &text, indentation: inner)
      }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      Self.append(sorted, "{", "}", to: &text, indentation) { member, text, inner in
        JSONText.append(member.key, to: &text)
        text += (indentation == nil ? ":" : ": ").utf8
        member.value.append(to: &text, indentation: inner)
      }
    }
  }

  private static func append<Element>(
    _ elements: [Element], _ open: String, _ close: String, to text: inout [UInt8], _ indentation: Int?,
    _ body: (Element, inout [UInt8], Int?) -> Void
  ) {
    func startLine(_ indentation: Int?) {
      guard let indentation else { return }
      text.append(0x0A)
      text += [UInt8](repeating: 0x20, count: indentation)
    }
    text += open.utf8
    let inner = indentation.map { $0 + 2 }
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(0x2C) }
      startLine(inner)
      body(element, &text, inner)
    }
    if !elements.isEmpty { startLine(indentation) }
    text += close.utf8
  }

  /// The shortest text that reads back as the same number, always recognisable as one with a fraction or exponent.
  private static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return "\(value)"
  }
}
