/// A JSON document as bytes.
///
/// Strings stay UTF-8 bytes, and objects stay lists in the file's order: a vocabulary may hold keys that Swift's `String`
/// takes for equal because they are canonically equivalent ("é" and "e" + U+0301), which Foundation's decoders would
/// silently merge.
enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A number that is no integer, or one beyond 64 bits.
  case number(Double)
  case string([UInt8])
  case array([JSONValue])
  case object([JSONMember])

  /// The type's name in messages.
  var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

struct JSONMember: Sendable {
  let key: [UInt8]
  let value: JSONValue
}

/// A value with its place in the file, so that every accessor can say what it missed and where.
struct JSONNode: Sendable {
  let value: JSONValue
  /// As `pre_tokenizer.pretokenizers[1].behavior`; empty for the document itself.
  let key: String
  let file: TokenizerFile

  /// The member `name`, nil when it is absent or null.
  func optional(_ name: String) throws(TokenizerError) -> JSONNode? {
    guard case .object(let members) = value else { throw wrongType("an object") }
    guard let member = members.last(where: { $0.key.elementsEqual(name.utf8) }) else { return nil }
    if case .null = member.value { return nil }
    return JSONNode(value: member.value, key: key.isEmpty ? name : "\(key).\(name)", file: file)
  }

  func required(_ name: String) throws(TokenizerError) -> JSONNode {
    guard let node = try optional(name) else {
      throw file.invalid(key.isEmpty ? name : "\(key).\(name)", "is missing")
    }
    return node
  }

  func bytes() throws(TokenizerError) -> [UInt8] {
    guard case .string(let bytes) = value else { throw wrongType("a string") }
    return bytes
  }

  func string() throws(TokenizerError) -> String { String(decoding: try bytes(), as: UTF8.self) }

  func bool() throws(TokenizerError) -> Bool {
    guard case .bool(let bool) = value else { throw wrongType("a boolean") }
    return bool
  }

  /// A token's id: 0 up to the largest `Int32` but one, so that the vocabulary's size is an `Int32` too.
  func tokenID() throws(TokenizerError) -> Int32 {
    guard case .integer(let integer) = value else { throw wrongType("an integer") }
    guard integer >= 0, integer < Int64(Int32.max) else {
      throw file.invalid(key, "token id \(integer) is outside 0 ..< \(Int32.max)")
    }
    return Int32(integer)
  }

  func elements() throws(TokenizerError) -> [JSONNode] {
    guard case .array(let values) = value else { throw wrongType("an array") }
    return values.enumerated().map { JSONNode(value: $1, key: "\(key)[\($0)]", file: file) }
  }

  func members() throws(TokenizerError) -> [JSONMember] {
    guard case .object(let members) = value else { throw wrongType("an object") }
    return members
  }

  /// The boolean `name`, or `fallback` when it is absent or null.
  func bool(_ name: String, default fallback: Bool) throws(TokenizerError) -> Bool {
    try optional(name)?.bool() ?? fallback
  }

  func wrongType(_ expected: String) -> TokenizerError {
    file.invalid(key.isEmpty ? "the document" : key, "is \(value.typeName), not \(expected)")
  }
}
