/// Parses JSON (RFC 8259) in UTF-8 into a ``JSONValue``; never deeper than ``maximumDepth``.
struct JSONReader {
  /// Arrays and objects within each other; a tokenizer needs about six.
  static let maximumDepth = 64

  private let bytes: [UInt8]
  private let file: TokenizerFile
  private var position = 0

  /// The document in `bytes`, which must hold nothing else but whitespace.
  static func document(_ bytes: [UInt8], file: TokenizerFile) throws(TokenizerError) -> JSONNode {
    do {
      _ = try UTF8Span(validating: bytes.span)
    } catch {
      throw TokenizerError(
        .malformedJSON, "\(file.path): invalid UTF-8 at byte \(error.byteOffsets.lowerBound); save the file as UTF-8")
    }
    var reader = JSONReader(bytes: bytes, file: file)
    let value = try reader.value(depth: 0)
    reader.skipWhitespace()
    guard reader.position == bytes.count else { throw reader.malformed("more after the end of the document") }
    return JSONNode(value: value, key: "", file: file)
  }

  private init(bytes: [UInt8], file: TokenizerFile) {
    self.bytes = bytes
    self.file = file
  }

  private func malformed(_ problem: String) -> TokenizerError {
    TokenizerError(.malformedJSON, "\(file.path): malformed JSON at byte \(position): \(problem)")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhitespace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: StaticString, _ value: JSONValue) throws(TokenizerError) -> JSONValue {
    for byte in String(describing: word).utf8 {
      guard next == byte else { throw malformed("expected '\(word)'") }
      position += 1
    }
    return value
  }

  private mutating func value(depth: Int) throws(TokenizerError) -> JSONValue {
    guard depth < Self.maximumDepth else { throw malformed("nested deeper than \(Self.maximumDepth)") }
    skipWhitespace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try takeWord("true", .bool(true))
    case UInt8(ascii: "f"): return try takeWord("false", .bool(false))
    case UInt8(ascii: "n"): return try takeWord("null", .null)
    case nil: throw malformed("the file ends too early; is it complete?")
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(TokenizerError) -> JSONValue {
    position += 1
    var members: [JSONMember] = []
    skipWhitespace()
    if take("}") { return .object(members) }
    repeat {
      skipWhitespace()
      guard next == UInt8(ascii: "\"") else { throw malformed("expected a key in quotes") }
      let key = try string()
      skipWhitespace()
      guard take(":") else { throw malformed("expected ':'") }
      members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
      skipWhitespace()
    } while take(",")
    guard take("}") else { throw malformed("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(TokenizerError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipWhitespace()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipWhitespace()
    } while take(",")
    guard take("]") else { throw malformed("expected ',' or ']'") }
    return .array(elements)
  }

  private mutating func number() throws(TokenizerError) -> JSONValue {
    let start = position
    let isNegative = take("-")
    guard isNegative || next.map({ (0x30...0x39).contains($0) }) == true else { throw malformed("expected a value") }
    if !take("0") { try digits() }
    var isInteger = true
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text) else { throw malformed("not a number") }
    return .number(number)
  }

  private mutating func digits() throws(TokenizerError) {
    let start = position
    while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
    guard position > start else { throw malformed("expected a digit") }
  }

  private mutating func string() throws(TokenizerError) -> [UInt8] {
    position += 1
    var text: [UInt8] = []
    var start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        text.append(contentsOf: bytes[start..<position])
        position += 1
        return text
      case UInt8(ascii: "\\"):
        text.append(contentsOf: bytes[start..<position])
        position += 1
        text.append(contentsOf: Array(String(try escape()).utf8))
        start = position
      case 0..<0x20: throw malformed("a control character in a string; write it as an escape")
      default: position += 1
      }
    }
    throw malformed("the file ends inside a string; is it complete?")
  }

  private mutating func escape() throws(TokenizerError) -> Unicode.Scalar {
    guard let byte = next else { throw malformed("the file ends inside a string; is it complete?") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw malformed("unknown escape")
    }
    let unit = try hexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, take("\\"), take("u") else { throw malformed("half of a surrogate pair") }
    let low = try hexadecimal()
    guard (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw malformed("half of a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(TokenizerError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw malformed("expected four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }
}
