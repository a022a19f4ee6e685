internal import Safetensors
internal import Tensors

/// Reading JSON text.
extension JSONValue {
  /// How deep objects and lists may stand in each other. Deeper text would exhaust the stack, here or in its next reader.
  public static let maximumDepth = 128

  /// Parses JSON text.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 text.
  ///   - path: the file, for messages.
  /// - Throws: ``CheckpointError`` naming the file, the line and the byte of what is wrong: no JSON, a key that stands
  ///   twice in an object, or more than ``maximumDepth`` levels.
  public init(parsing bytes: [UInt8], path: String) throws(CheckpointError) {
    var scanner = JSONScanner(bytes)
    do throws(JSONScanner.Failure) {
      self = try JSONValue(&scanner, depth: 0)
      try scanner.expectEnd()
    } catch {
      let line = 1 + bytes[..<min(error.offset, bytes.count)].count { $0 == 0x0A }
      throw CheckpointError(
        .invalidJSON,
        "\(path): not valid JSON: \(error.message), at line \(line), byte \(error.offset); get the file again")
    }
  }

  /// Reads and parses a JSON file.
  ///
  /// - Parameter maximumBytes: a larger file is refused before it is read.
  /// - Throws: ``CheckpointError`` when the file cannot be read, is too large, or is no JSON.
  public init(contentsOf path: String, maximumBytes: Int = 1 << 28) throws(CheckpointError) {
    let bytes: [UInt8]
    do throws(StorageError) {
      let file = try MappedFile(path: path)
      guard file.size <= maximumBytes else {
        throw StorageError(
          .sizeMismatch, "\(path): \(file.size) bytes of JSON are more than \(maximumBytes); get the file again")
      }
      bytes = unsafe file.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    } catch {
      throw CheckpointError(error)
    }
    try self.init(parsing: bytes, path: path)
  }

  private init(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Failure) {
    guard depth < Self.maximumDepth else {
      throw JSONScanner.Failure("more than \(Self.maximumDepth) objects or lists in each other", at: scanner.offset)
    }
    switch scanner.peek() {
    case 0x7B: self = .object(try Self.members(&scanner, depth: depth))
    case 0x5B: self = .array(try Self.elements(&scanner, depth: depth))
    case 0x22: self = .string(try scanner.string())
    default:
      if scanner.skip(word: "null") {
        self = .null
      } else if scanner.skip(word: "true") {
        self = .bool(true)
      } else if scanner.skip(word: "false") {
        self = .bool(false)
      } else if scanner.skip(word: "NaN") {
        self = .number(.nan)
      } else if scanner.skip(word: "Infinity") {
        self = .number(.infinity)
      } else if scanner.skip(word: "-Infinity") {
        self = .number(-.infinity)
      } else if let first = scanner.peek(), first == 0x2D || (0x30...0x39).contains(first) {
        self = try Self.number(&scanner)
      } else {
        throw scanner.unexpected("a value")
      }
    }
  }

  private static func members(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Failure) -> [String: Self] {
    var members = [String: JSONValue]()
    try scanner.expect("{")
    if scanner.skip("}") { return members }
    repeat {
      _ = scanner.peek()
      let offset = scanner.offset
      let key = try scanner.string()
      try scanner.expect(":")
      guard members.updateValue(try JSONValue(&scanner, depth: depth + 1), forKey: key) == nil else {
        throw JSONScanner.Failure("the key \(OneLine.quoted(key)) stands twice", at: offset)
      }
    } while scanner.skip(",")
    try scanner.expect("}")
    return members
  }

  private static func elements(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Failure) -> [Self] {
    var elements = [JSONValue]()
    try scanner.expect("[")
    if scanner.skip("]") { return elements }
    repeat {
      elements.append(try JSONValue(&scanner, depth: depth + 1))
    } while scanner.skip(",")
    try scanner.expect("]")
    return elements
  }

  /// An integer where the text has neither fraction nor exponent and fits; otherwise the nearest `Double`.
  private static func number(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Self {
    let offset = scanner.offset
    let text = try scanner.number()
    if let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text) else { throw JSONScanner.Failure("a number cannot be read", at: offset) }
    return .number(number)
  }
}
