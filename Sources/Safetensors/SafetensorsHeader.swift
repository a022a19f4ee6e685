internal import Tensors

/// The header of a safetensors file: 8 bytes of length, then a JSON object of tensors by name.
///
/// Format: https://github.com/huggingface/safetensors#format.
struct SafetensorsHeader {
  /// One tensor's line in the header. `begin` and `end` count from the end of the header.
  struct Entry {
    let name: String
    let elementType: ElementType
    let shape: Shape
    let begin: Int
    let end: Int
    /// Byte of the file where the line begins, for messages.
    let offset: Int
  }

  let metadata: [String: String]
  /// In the order of their bytes.
  let entries: [Entry]

  /// Parses and checks a header.
  ///
  /// - Parameters:
  ///   - bytes: the JSON text, from byte 8 of the file on.
  ///   - path: the file, for messages.
  ///   - dataByteCount: bytes of the file behind the header.
  init(_ bytes: [UInt8], path: String, dataByteCount: Int) throws(SafetensorsError) {
    var parser = HeaderParser(bytes, path: path)
    try parser.parse()
    let entries = parser.entries.sorted { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    let start = 8 + bytes.count
    var position = 0
    for entry in entries {
      let subject = "\(path): tensor \(OneLine.quoted(entry.name))"
      guard let count = entry.shape.byteCount(of: entry.elementType) else {
        throw SafetensorsError(
          .invalidShape,
          "\(subject) has the impossible shape \(entry.shape) (header at byte \(entry.offset)); get the file again")
      }
      guard entry.begin <= entry.end, entry.end <= dataByteCount else {
        throw SafetensorsError(
          .invalidOffsets,
          "\(subject) has data_offsets [\(entry.begin), \(entry.end)] (header at byte \(entry.offset)), but the data "
            + "has \(dataByteCount) bytes from byte \(start) on; the file is truncated or damaged, get it again")
      }
      guard count == entry.end - entry.begin else {
        throw SafetensorsError(
          .invalidOffsets,
          "\(subject) at byte \(start + entry.begin) has \(entry.end - entry.begin) bytes, but shape \(entry.shape) of "
            + "\(entry.elementType.safetensorsName) needs \(count); get the file again")
      }
      guard entry.begin == position else {
        let what = entry.begin < position ? "overlaps the tensor before it" : "leaves a hole before it"
        throw SafetensorsError(
          .invalidOffsets,
          "\(subject) at byte \(start + entry.begin) \(what), which ends at byte \(start + position); get the file again"
        )
      }
      position = entry.end
    }
    guard position == dataByteCount else {
      throw SafetensorsError(
        .invalidOffsets,
        "\(path): \(dataByteCount - position) bytes from byte \(start + position) on belong to no tensor; get the file "
          + "again")
    }
    self.metadata = parser.metadata
    self.entries = entries
  }
}

/// Reads the header's JSON.
private struct HeaderParser {
  let path: String
  var scanner: JSONScanner
  var metadata: [String: String] = [:]
  var entries: [SafetensorsHeader.Entry] = []
  private var tensor: String?

  init(_ bytes: [UInt8], path: String) {
    self.path = path
    self.scanner = JSONScanner(bytes)
  }

  mutating func parse() throws(SafetensorsError) {
    do {
      try parseObject()
    } catch let failure as JSONScanner.Failure {
      throw error(.invalidHeader, failure.message, at: failure.offset)
    } catch let failure as SafetensorsError {
      throw failure
    } catch {
      throw self.error(.invalidHeader, "\(error)", at: scanner.offset)
    }
  }

  private mutating func parseObject() throws {
    // The format wants the brace in the first byte, without white space before it.
    if scanner.peek() != 0x7B || scanner.offset != 0 {
      throw error(.invalidHeader, "the header does not begin with \"{\"", at: 0)
    }
    var names = Set<String>()
    try members { parser, name, offset throws in
      guard names.insert(name).inserted else {
        throw parser.error(.duplicateName, "\(OneLine.quoted(name)) stands twice", at: offset)
      }
      if name == "__metadata__" {
        try parser.parseMetadata()
      } else {
        parser.tensor = name
        try parser.parseEntry(name, offset: offset)
        parser.tensor = nil
      }
    }
    try scanner.expectEnd()
  }

  private mutating func parseMetadata() throws {
    try members { parser, key, offset throws in
      let value = try parser.scanner.string()
      guard parser.metadata.updateValue(value, forKey: key) == nil else {
        throw parser.error(.duplicateName, "__metadata__ has \(OneLine.quoted(key)) twice", at: offset)
      }
    }
  }

  private mutating func parseEntry(_ name: String, offset: Int) throws {
    var elementType: ElementType?
    var shape: Shape?
    var range: [Int]?
    try members { parser, key, keyOffset throws in
      switch key {
      case "dtype" where elementType == nil:
        let type = try parser.scanner.string()
        elementType = ElementType(safetensorsName: type)
        if elementType == nil {
          let known = ElementType.allCases.map(\.safetensorsName).joined(separator: " ")
          throw parser.error(
            .unknownElementType, "element type \(OneLine.quoted(type)) is not known (known: \(known))", at: keyOffset,
            advice: "convert the model to BF16, F16 or F32")
        }
      case "shape" where shape == nil: shape = Shape(try parser.counts())
      case "data_offsets" where range == nil:
        let counts = try parser.counts()
        guard counts.count == 2 else {
          throw parser.error(.invalidHeader, "data_offsets are not two numbers", at: keyOffset)
        }
        range = counts
      case "dtype", "shape", "data_offsets":
        throw parser.error(.duplicateName, "the key \"\(key)\" stands twice", at: keyOffset)
      default: throw parser.error(.invalidHeader, "the key \(OneLine.quoted(key)) is not known", at: keyOffset)
      }
    }
    guard let elementType, let shape, let range else {
      throw error(.invalidHeader, "one of dtype, shape and data_offsets is missing", at: offset)
    }
    entries.append(
      .init(name: name, elementType: elementType, shape: shape, begin: range[0], end: range[1], offset: 8 + offset))
  }

  /// Reads an object, calling `body` with each key and the key's offset; it reads the value.
  private mutating func members(_ body: (inout Self, String, Int) throws -> Void) throws {
    try scanner.expect("{")
    if scanner.skip("}") { return }
    repeat {
      _ = scanner.peek()
      let offset = scanner.offset
      let key = try scanner.string()
      try scanner.expect(":")
      try body(&self, key, offset)
    } while scanner.skip(",")
    try scanner.expect("}")
  }

  private mutating func counts() throws -> [Int] {
    try scanner.expect("[")
    var counts = [Int]()
    if scanner.skip("]") { return counts }
    repeat {
      // No tensor has so many dimensions; a hostile header could name millions.
      guard counts.count < 64 else { throw error(.invalidShape, "more than 64 numbers in a list", at: scanner.offset) }
      counts.append(try scanner.count())
    } while scanner.skip(",")
    try scanner.expect("]")
    return counts
  }

  private func error(
    _ code: SafetensorsError.Code, _ what: String, at offset: Int, advice: String = "get the file again"
  ) -> SafetensorsError {
    let subject = tensor.map { "tensor \(OneLine.quoted($0)): " } ?? ""
    return SafetensorsError(code, "\(path): \(subject)\(what), at byte \(8 + offset) of the file; \(advice)")
  }
}
