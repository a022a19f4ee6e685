internal import Safetensors
internal import Tensors

/// Reading JSON text.
extension JSONValue {
  /// How deep objects and lists may stand in each other. Deeper text would exhaust the stack, here or in its next reader.
  public static let maximumDepth = 128

  /// Parses JSON text. Of a key that stands twice in an object the last value counts, as for Python's `json`.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 text.
  ///   - path: the file, for messages.
  /// - Throws: ``CheckpointError`` naming the file, the line and the byte of what is wrong: no JSON, or more than
  ///   ``maximumDepth`` levels.
  public init(parsing bytes: [UInt8], path: String) throws(CheckpointError) {
    var repeated = [String]()
    try self.init(parsing: bytes, path: path, repeated: &repeated)
  }

  /// Parses JSON text as ``init(parsing:path:)``.
  ///
  /// - Parameter repeated: gets the keys that stand twice in an object with different values, as often as they do.
  init(parsing bytes: [UInt8], path: String, repeated: inout [String]) throws(CheckpointError) {
    var reader = JSONReader(scanner: JSONScanner(bytes))
    do throws(JSONScanner.Failure) {
      self = try reader.value(depth: 0)
      try reader.scanner.expectEnd()
    } catch {
      if error.offset == 0, let problem = MistakenFile.problem(bytes) {
        throw CheckpointError(.invalidJSON, "\(path): not valid JSON: \(problem)")
      }
      let line = 1 + bytes[..<min(error.offset, bytes.count)].count { $0 == 0x0A }
      throw CheckpointError(
        .invalidJSON,
        "\(path): not valid JSON: \(error.message), at line \(line), byte \(error.offset); correct it there, or get the "
          + "file again")
    }
    repeated = reader.repeated
  }

  /// Reads and parses a JSON file.
  ///
  /// - Parameter maximumBytes: a larger file is refused before it is read.
  /// - Throws: ``CheckpointError`` when the file cannot be read, is too large, or is no JSON.
  public init(contentsOf path: String, maximumBytes: Int = 1 << 28) throws(CheckpointError) {
    var repeated = [String]()
    try self.init(contentsOf: path, maximumBytes: maximumBytes, repeated: &repeated)
  }

  /// Reads and parses a JSON file as ``init(contentsOf:maximumBytes:)``; `repeated` as for
  /// ``init(parsing:path:repeated:)``.
  init(contentsOf path: String, maximumBytes: Int = 1 << 28, repeated: inout [String]) throws(CheckpointError) {
    let bytes: [UInt8]
    do throws(StorageError) {
      let file = try MappedFile(path: path)
      guard file.size <= maximumBytes else {
        throw StorageError(
          .sizeMismatch,
          "\(path): \(file.size) bytes of JSON are more than \(maximumBytes); put the model's own file there")
      }
      bytes = unsafe file.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    } catch {
      throw CheckpointError(error)
    }
    try self.init(parsing: bytes, path: path, repeated: &repeated)
  }
}

/// Reads one JSON text.
private struct JSONReader {
  var scanner: JSONScanner
  /// Keys that stood twice in an object, with different values.
  private(set) var repeated: [String] = []

  init(scanner: JSONScanner) { self.scanner = scanner }

  mutating func value(depth: Int) throws(JSONScanner.Failure) -> JSONValue {
    guard depth < JSONValue.maximumDepth else {
      throw JSONScanner.Failure(
        "more than \(JSONValue.maximumDepth) objects or lists in each other", at: scanner.offset)
    }
    switch scanner.peek() {
    case 0x7B: return .object(try members(depth: depth))
    case 0x5B: return .array(try elements(depth: depth))
    case 0x22: return .string(try scanner.string())
    default: break
    }
    for (word, value) in Self.words where scanner.skip(word: word) { return value }
    guard let first = scanner.peek(), first == 0x2D || (0x30...0x39).contains(first) else {
      throw scanner.unexpected("a value")
    }
    return try number()
  }

  private static let words: [(String, JSONValue)] = [
    ("null", .null), ("true", .bool(true)), ("false", .bool(false)), ("NaN", .number(.nan)),
    ("Infinity", .number(.infinity)), ("-Infinity", .number(-.infinity)),
  ]

  private mutating func members(depth: Int) throws(JSONScanner.Failure) -> [String: JSONValue] {
    var members = [String: JSONValue]()
    try scanner.expect("{")
    if scanner.skip("}") { return members }
    repeat {
      let key = try scanner.string()
      try scanner.expect(":")
      let value = try value(depth: depth + 1)
      if let earlier = members.updateValue(value, forKey: key), earlier != value { repeated.append(key) }
    } while scanner.skip(",")
    try scanner.expect("}")
    return members
  }

  private mutating func elements(depth: Int) throws(JSONScanner.Failure) -> [JSONValue] {
    var elements = [JSONValue]()
    try scanner.expect("[")
    if scanner.skip("]") { return elements }
    repeat {
      elements.append(try value(depth: depth + 1))
    } while scanner.skip(",")
    try scanner.expect("]")
    return elements
  }

  /// An integer where the text has neither fraction nor exponent and fits; otherwise the nearest `Double`.
  private mutating func number() throws(JSONScanner.Failure) -> JSONValue {
    let offset = scanner.offset
    let text = try scanner.number()
    if let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text) else { throw JSONScanner.Failure("a number cannot be read", at: offset) }
    return .number(number)
  }
}
