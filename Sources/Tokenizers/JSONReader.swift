internal import Safetensors

/// Parses JSON (RFC 8259) in UTF-8 into a ``JSONValue``; never deeper than ``maximumDepth``.
struct JSONReader {
  /// Arrays and objects within each other; a tokenizer needs about six.
  static let maximumDepth = 64

  private var scanner: JSONScanner

  /// The document in `bytes`, which must hold nothing else but whitespace.
  static func document(_ bytes: [UInt8], file: TokenizerFile) throws(TokenizerError) -> JSONNode {
    let problem = MistakenFile.problem(bytes)
    do {
      _ = try UTF8Span(validating: bytes.span)
    } catch {
      if let problem { throw TokenizerError(.malformedJSON, "\(file.path): malformed JSON at byte 0: \(problem)") }
      throw TokenizerError(
        .malformedJSON, "\(file.path): invalid UTF-8 at byte \(error.byteOffsets.lowerBound); save the file as UTF-8")
    }
    do throws(JSONScanner.Failure) {
      var reader = JSONReader(scanner: JSONScanner(bytes))
      let value = try reader.value(depth: 0)
      try reader.scanner.expectEnd()
      return JSONNode(value: value, key: "", file: file)
    } catch {
      if error.offset == 0, let problem {
        throw TokenizerError(.malformedJSON, "\(file.path): malformed JSON at byte 0: \(problem)")
      }
      throw TokenizerError(
        .malformedJSON,
        "\(file.path): malformed JSON at byte \(error.offset): \(error.message); get the file again, or correct it there"
      )
    }
  }

  private mutating func value(depth: Int) throws(JSONScanner.Failure) -> JSONValue {
    guard depth < Self.maximumDepth else {
      throw JSONScanner.Failure("nested deeper than \(Self.maximumDepth)", at: scanner.offset)
    }
    switch scanner.peek() {
    case UInt8(ascii: "{"): return .object(try members(depth: depth))
    case UInt8(ascii: "["): return .array(try elements(depth: depth))
    case UInt8(ascii: "\""): return .string(try scanner.stringBytes())
    default: break
    }
    if scanner.skip(word: "true") { return .bool(true) }
    if scanner.skip(word: "false") { return .bool(false) }
    if scanner.skip(word: "null") { return .null }
    guard let first = scanner.peek(), first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      throw scanner.unexpected("a value")
    }
    let text = try scanner.number()
    if let integer = Int64(text) { return .integer(integer) }
    return .number(Double(text) ?? .infinity)
  }

  private mutating func members(depth: Int) throws(JSONScanner.Failure) -> [JSONMember] {
    var members: [JSONMember] = []
    try scanner.expect("{")
    if scanner.skip("}") { return members }
    repeat {
      let key = try scanner.stringBytes()
      try scanner.expect(":")
      members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
    } while scanner.skip(",")
    try scanner.expect("}")
    return members
  }

  private mutating func elements(depth: Int) throws(JSONScanner.Failure) -> [JSONValue] {
    var elements: [JSONValue] = []
    try scanner.expect("[")
    if scanner.skip("]") { return elements }
    repeat { elements.append(try value(depth: depth + 1)) } while scanner.skip(",")
    try scanner.expect("]")
    return elements
  }
}
