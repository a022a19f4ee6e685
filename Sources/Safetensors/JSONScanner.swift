/// Reads JSON text piece by piece, strictly, over bytes that nothing is assumed of.
///
/// A safetensors header is read with it directly, because a general parser would hide what the format forbids: duplicate
/// names, and the byte offset of what is wrong. Every access is checked; strings are validated as UTF-8.
package struct JSONScanner {
  /// What is wrong with the text, and the byte where it is.
  package struct Failure: Error, Equatable {
    package let message: String
    package let offset: Int

    package init(_ message: String, at offset: Int) {
      self.message = message
      self.offset = offset
    }
  }

  private let bytes: [UInt8]
  private let replacesLoneSurrogates: Bool
  /// The next byte to read, counted from the first.
  package private(set) var offset = 0
  /// Halves of surrogate pairs that were read as U+FFFD.
  package private(set) var replacedSurrogates = 0

  /// - Parameter replacesLoneSurrogates: whether an escape of half a surrogate pair, which stands for no character, is read
  ///   as U+FFFD, the replacement character; without it, it is a failure. Python writes such halves when it cuts text.
  package init(_ bytes: [UInt8], replacesLoneSurrogates: Bool = false) {
    self.bytes = bytes
    self.replacesLoneSurrogates = replacesLoneSurrogates
  }

  /// The next byte that is no white space, without reading it; nil at the end.
  package mutating func peek() -> UInt8? {
    while offset < bytes.count {
      let byte = bytes[offset]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      offset += 1
    }
    return nil
  }

  /// Reads `character`, after white space.
  package mutating func expect(_ character: Character) throws(Failure) {
    guard let byte = peek() else { throw Failure("the text ends where \"\(character)\" should be", at: offset) }
    guard byte == character.asciiValue else { throw unexpected("\"\(character)\"") }
    offset += 1
  }

  /// Reads `character`, after white space, if it is there.
  package mutating func skip(_ character: Character) -> Bool {
    guard peek() == character.asciiValue else { return false }
    offset += 1
    return true
  }

  /// Reads `word`, such as `null`, if it is there.
  package mutating func skip(word: String) -> Bool {
    guard peek() != nil, bytes[offset...].starts(with: word.utf8) else { return false }
    offset += word.utf8.count
    return true
  }

  /// Succeeds if nothing but white space is left.
  package mutating func expectEnd() throws(Failure) {
    guard peek() == nil else { throw unexpected("the end of the text") }
  }

  /// The failure of finding something else than `wanted` here.
  package mutating func unexpected(_ wanted: String) -> Failure {
    guard let byte = peek() else { return Failure("the text ends where \(wanted) should be", at: offset) }
    let found = (0x21..<0x7F).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
    return Failure("found \(found) where \(wanted) should be", at: offset)
  }

  /// Reads a non-negative whole number that fits an `Int`.
  package mutating func count() throws(Failure) -> Int {
    guard let first = peek(), isDigit(first) else { throw unexpected("a whole number, 0 or more,") }
    let start = offset
    var value = 0
    while offset < bytes.count, isDigit(bytes[offset]) {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = shifted.addingReportingOverflow(Int(bytes[offset] - 0x30))
      if overflow || carry { throw Failure("a number is larger than \(Int.max)", at: start) }
      value = next
      offset += 1
    }
    if first == 0x30, offset > start + 1 { throw Failure("a number begins with 0", at: start) }
    if offset < bytes.count, [0x2E, 0x45, 0x65].contains(bytes[offset]) {
      throw Failure("a number has a fraction or an exponent where a whole number should be", at: start)
    }
    return value
  }

  /// Reads a number in JSON's grammar and returns its text, such as `-1.5e-05`.
  package mutating func number() throws(Failure) -> String {
    _ = peek()
    let start = offset
    var end = offset
    func digits() -> Int {
      let from = end
      while end < bytes.count, isDigit(bytes[end]) { end += 1 }
      return end - from
    }
    func isAt(_ characters: Set<UInt8>) -> Bool { end < bytes.count && characters.contains(bytes[end]) }
    if isAt([0x2D]) { end += 1 }
    let whole = end
    let wholeDigits = digits()
    var valid = wholeDigits > 0 && (wholeDigits == 1 || bytes[whole] != 0x30)
    if isAt([0x2E]) {
      end += 1
      valid = digits() > 0 && valid
    }
    if isAt([0x45, 0x65]) {
      end += 1
      if isAt([0x2B, 0x2D]) { end += 1 }
      valid = digits() > 0 && valid
    }
    guard valid else { throw unexpected("a number") }
    offset = end
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

/// Strings.
extension JSONScanner {
  /// Reads a string and resolves its escapes.
  package mutating func string() throws(Failure) -> String {
    _ = peek()
    let start = offset
    guard let text = String(validating: try stringBytes(), as: UTF8.self) else {
      throw Failure("a string is not valid UTF-8", at: start)
    }
    return text
  }

  /// Reads a string as the bytes that it stands for, for readers that must not take canonically equivalent strings for
  /// equal; whether they are UTF-8 is not checked.
  package mutating func stringBytes() throws(Failure) -> [UInt8] {
    guard peek() == 0x22 else { throw unexpected("a string") }
    let start = offset
    offset += 1
    var utf8 = [UInt8]()
    while true {
      guard offset < bytes.count else { throw Failure("a string does not end", at: start) }
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case 0x22: return utf8
      case 0x5C: utf8.append(contentsOf: String(try escaped()).utf8)
      case 0..<0x20: throw Failure("a string holds the control character \(byte)", at: offset - 1)
      default: utf8.append(byte)
      }
    }
  }

  private mutating func escaped() throws(Failure) -> Unicode.Scalar {
    let start = offset - 1
    guard offset < bytes.count else { throw Failure("a string does not end", at: start) }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case 0x22, 0x2F, 0x5C: return Unicode.Scalar(byte)
    case 0x62: return "\u{8}"
    case 0x66: return "\u{C}"
    case 0x6E: return "\n"
    case 0x72: return "\r"
    case 0x74: return "\t"
    case 0x75: break
    default: throw Failure("a string holds an unknown escape", at: start)
    }
    var value = try hexadecimal()
    if (0xD800..<0xDC00).contains(value), bytes[offset...].starts(with: [0x5C, 0x75]) {
      let next = offset
      offset += 2
      let low = try hexadecimal()
      if (0xDC00..<0xE000).contains(low) {
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      } else {
        // The next escape stands for itself.
        offset = next
      }
    }
    if let scalar = Unicode.Scalar(value) { return scalar }
    guard replacesLoneSurrogates else { throw Failure("a string holds half a surrogate pair", at: start) }
    replacedSurrogates += 1
    return "\u{FFFD}"
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue,
        bytes[offset] < 0x80
      else { throw Failure("a string holds an incomplete \\u escape", at: offset) }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }
}
