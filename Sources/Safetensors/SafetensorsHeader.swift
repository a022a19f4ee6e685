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

    func saysTheSame(as other: Entry) -> Bool {
      (elementType, shape, begin, end) == (other.elementType, other.shape, other.begin, other.end)
    }
  }

  /// A damaged copy is whole again when it is got again. One that was written so is refused by Hugging Face's library
  /// too, and has to be written by it.
  static let remedy = "get the file again, or write it anew with Hugging Face's safetensors"

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
          "\(subject) has the impossible shape \(entry.shape) (header at byte \(entry.offset)); \(Self.remedy)")
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
            + "\(entry.elementType.safetensorsName) needs \(count); \(Self.remedy)")
      }
      guard entry.begin == position else {
        let what = entry.begin < position ? "overlaps the tensor before it" : "leaves a hole before it"
        throw SafetensorsError(
          .invalidOffsets,
          "\(subject) at byte \(start + entry.begin) \(what), which ends at byte \(start + position); "
            + Self.remedy)
      }
      position = entry.end
    }
    guard position == dataByteCount else {
      throw SafetensorsError(
        .invalidOffsets,
        "\(path): \(dataByteCount - position) bytes from byte \(start + position) on belong to no tensor; \(Self.remedy)"
      )
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
  /// Where each name's line is in `entries`.
  private var places: [String: Int] = [:]
  private var hasMetadata = false
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
    guard scanner.peek() == 0x7B else { throw error(.invalidHeader, "the header does not begin with \"{\"", at: 0) }
    try members { parser, name, offset throws in
      if name == "__metadata__" {
        guard !parser.hasMetadata else {
          throw parser.error(.duplicateName, "\(OneLine.quoted(name)) stands twice", at: offset)
        }
        parser.hasMetadata = true
        try parser.parseMetadata()
      } else {
        parser.tensor = name
        try parser.parseEntry(name, offset: offset)
        parser.tensor = nil
      }
    }
    try scanner.expectEnd()
  }

  /// As Hugging Face's library, takes null for none, and the last of equal keys.
  private mutating func parseMetadata() throws {
    if scanner.skip(word: "null") { return }
    try members { parser, key, _ throws in parser.metadata[key] = try parser.scanner.string() }
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
          let isQuantized = ["F8_", "F6_", "F4"].contains(where: type.hasPrefix)
          throw parser.error(
            .unknownElementType,
            "element type \(OneLine.quoted(type)) "
              + (isQuantized ? "is one that models are quantised to" : "is not known (known: \(known))"), at: keyOffset,
            advice: isQuantized
              ? "give the model in BF16, F16 or F32 that this one was made from, or convert this one to BF16"
              : "convert the model to BF16, F16 or F32")
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
      // What a later format adds, Hugging Face's library passes over.
      default: try parser.scanner.skipValue()
      }
    }
    guard let elementType, let shape, let range else {
      throw error(.invalidHeader, "one of dtype, shape and data_offsets is missing", at: offset)
    }
    let entry = SafetensorsHeader.Entry(
      name: name, elementType: elementType, shape: shape, begin: range[0], end: range[1], offset: 8 + offset)
    if let place = places[name] {
      // The same line twice says one thing.
      guard entries[place].saysTheSame(as: entry) else {
        throw error(.duplicateName, "\(OneLine.quoted(name)) stands twice, with another place or shape", at: offset)
      }
      return
    }
    places[name] = entries.count
    entries.append(entry)
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
    _ code: SafetensorsError.Code, _ what: String, at offset: Int, advice: String = SafetensorsHeader.remedy
  ) -> SafetensorsError {
    let subject = tensor.map { "tensor \(OneLine.quoted($0)): " } ?? ""
    return SafetensorsError(code, "\(path): \(subject)\(what), at byte \(8 + offset) of the file; \(advice)")
  }
}
