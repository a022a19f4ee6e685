/// The kinds of JSON values, as messages name them.
package enum JSONKind: String, Sendable {
  case null
  case boolean = "a boolean"
  case number = "a number"
  case string = "a string"
  case list = "a list"
  case object = "an object"
}

/// Values that nobody asks for.
extension JSONScanner {
  /// How deep objects and lists may stand in each other where a value is passed over.
  package static let maximumDepth = 128

  /// Passes over a value, and tells of what kind it was. Python's `NaN`, `Infinity` and `-Infinity`, which JSON does not
  /// have, are numbers here: `json.dumps` and pandas write them.
  ///
  /// - Parameter depth: objects and lists that the value stands in.
  @discardableResult
  package mutating func skipValue(depth: Int = 0) throws(Failure) -> JSONKind {
    guard depth < Self.maximumDepth else {
      throw Failure("more than \(Self.maximumDepth) objects or lists in each other", at: offset)
    }
    switch peek() {
    case UInt8(ascii: "{"):
      try expect("{")
      if skip("}") { return .object }
      repeat {
        _ = try stringBytes()
        try expect(":")
        try skipValue(depth: depth + 1)
      } while skip(",")
      try expectClose("}")
      return .object
    case UInt8(ascii: "["):
      try expect("[")
      if skip("]") { return .list }
      repeat { try skipValue(depth: depth + 1) } while skip(",")
      try expectClose("]")
      return .list
    case UInt8(ascii: "\""):
      _ = try stringBytes()
      return .string
    default:
      if skip(word: "null") { return .null }
      if skip(word: "true") || skip(word: "false") { return .boolean }
      if skip(word: "NaN") || skip(word: "Infinity") || skip(word: "-Infinity") { return .number }
      guard let first = peek(), first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
        throw unexpected("a value")
      }
      _ = try number()
      return .number
    }
  }

  /// Reads the end of a list or an object, behind one of its values.
  package mutating func expectClose(_ character: Character) throws(Failure) {
    guard peek() == character.asciiValue else { throw unexpected("\",\" or \"\(character)\"") }
    try expect(character)
  }
}
