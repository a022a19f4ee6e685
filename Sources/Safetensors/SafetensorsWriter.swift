public import Tensors

/// A tensor to be written: what a safetensors header says of it.
public struct TensorEntry: Sendable, Hashable, Codable {
  public let name: String
  public let elementType: ElementType
  public let shape: Shape

  public init(name: String, elementType: ElementType, shape: Shape) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
  }

  /// The entry of a tensor that exists.
  public init(_ tensor: StoredTensor) {
    self.init(name: tensor.name, elementType: tensor.elementType, shape: tensor.shape)
  }

  /// Bytes of the tensor; nil where they cannot be counted.
  public var byteCount: Int? { shape.byteCount(of: elementType) }
}

/// Writes a safetensors file tensor by tensor, never holding it whole.
///
/// The same entries, metadata and bytes give the same file: the header has `__metadata__` first, then the names sorted,
/// without white space, padded with spaces to a multiple of 8 bytes; the data stand in the order of declaration. The file
/// gets its name in ``finish()`` only.
public struct SafetensorsWriter: ~Copyable {
  public let path: String
  /// The tensors as declared, which is the order to append them in.
  public let entries: [TensorEntry]
  private var file: DurableFile
  private let ends: [Int]
  /// Index of the tensor being appended.
  private var current: Int
  /// Bytes of tensors appended so far.
  private var written: Int
  private let observe: ((RawSpan) -> Void)?

  /// Declares the file's tensors and opens it.
  ///
  /// - Parameters:
  ///   - entries: the tensors in the order in which their bytes will come. Wider element types go first where their sizes
  ///     would leave a tensor misaligned, which PyTorch cannot load.
  ///   - metadata: the header's `__metadata__`; left out when empty. transformers wants `["format": "pt"]`.
  ///   - observe: gets every byte of the file in order, for checksums.
  /// - Throws: ``SafetensorsError`` for a duplicate or reserved name, an impossible shape, a misaligned tensor, a header
  ///   too long, or a path that cannot be written.
  public init(
    path: String, entries: [TensorEntry], metadata: [String: String] = [:], observe: ((RawSpan) -> Void)? = nil
  ) throws(SafetensorsError) {
    let ends = try Self.layout(entries, path: path)
    let header = Self.header(entries, ends: ends, metadata: metadata)
    guard header.count - 8 <= SafetensorsFile.maximumHeaderBytes else {
      throw SafetensorsError(
        .headerTooLong,
        "cannot write \(path): its header would have \(header.count - 8) bytes, more than "
          + "\(SafetensorsFile.maximumHeaderBytes); split it into shards")
    }
    let file = try Self.open(path, header)
    self.path = path
    self.entries = entries
    self.ends = ends
    self.file = file
    self.current = 0
    self.written = 0
    self.observe = observe
    observe?(unsafe header.span.bytes)
  }

  /// Where each tensor's bytes end, counted from the end of the header.
  static func layout(_ entries: [TensorEntry], path: String) throws(SafetensorsError) -> [Int] {
    var ends = [Int]()
    ends.reserveCapacity(entries.count)
    var names = Set<String>()
    var position = 0
    for entry in entries {
      let subject = "cannot write \(path): tensor \(OneLine.quoted(entry.name))"
      guard entry.name != "__metadata__", names.insert(entry.name).inserted else {
        throw SafetensorsError(.duplicateName, "\(subject) is declared twice, or its name is reserved; rename it")
      }
      guard let byteCount = entry.byteCount, byteCount <= Int.max - position else {
        throw SafetensorsError(.invalidShape, "\(subject) has the impossible shape \(entry.shape); check the model")
      }
      guard position.isMultiple(of: entry.elementType.byteCount) else {
        throw SafetensorsError(
          .invalidOffsets,
          "\(subject) of \(entry.elementType.safetensorsName) would lie misaligned at byte \(position) of the data; "
            + "declare wider element types first")
      }
      position += byteCount
      ends.append(position)
    }
    return ends
  }

  private static func open(_ path: String, _ header: [UInt8]) throws(SafetensorsError) -> DurableFile {
    do throws(StorageError) {
      var file = try DurableFile(path: path)
      try file.append(header)
      return file
    } catch {
      throw SafetensorsError(.notWritten, error.message)
    }
  }

  /// Appends bytes of the tensor `name`, whole or the next part of it.
  ///
  /// - Throws: ``SafetensorsError`` when it is not this tensor's turn, when the bytes are more than it has left, or when
  ///   the disk refuses them.
  public mutating func append(name: String, bytes: RawSpan) throws(SafetensorsError) {
    // Empty tensors take no bytes, so they may be appended or not.
    while current < entries.count, entries[current].name != name, ends[current] == written { current += 1 }
    guard current < entries.count, entries[current].name == name else {
      let turn = current < entries.count ? "\(OneLine.quoted(entries[current].name)) is next" : "all are written"
      throw SafetensorsError(
        .wrongOrder, "cannot write \(path): tensor \(OneLine.quoted(name)) is out of turn, \(turn); declare it so")
    }
    guard bytes.byteCount <= ends[current] - written else {
      throw SafetensorsError(
        .invalidOffsets,
        "cannot write \(path): tensor \(OneLine.quoted(name)) of shape \(entries[current].shape) got "
          + "\(bytes.byteCount) bytes with \(ends[current] - written) left to write; declare its real shape")
    }
    do {
      try file.append(bytes)
    } catch {
      throw SafetensorsError(.notWritten, error.message)
    }
    observe?(bytes)
    written += bytes.byteCount
  }

  /// Appends a whole tensor.
  ///
  /// - Throws: ``SafetensorsError`` as ``append(name:bytes:)``, or when type or shape are not those declared.
  public mutating func append(_ tensor: StoredTensor) throws(SafetensorsError) {
    if let entry = entries.dropFirst(current).first(where: { $0.name == tensor.name }), entry != TensorEntry(tensor) {
      throw SafetensorsError(
        .wrongOrder,
        "cannot write \(path): tensor \(OneLine.quoted(tensor.name)) was declared \(entry.elementType.safetensorsName) "
          + "\(entry.shape) but is \(tensor.elementType.safetensorsName) \(tensor.shape); declare its real shape")
    }
    try append(name: tensor.name, bytes: tensor.bytes)
  }

  /// Gives the finished file its name, durably.
  ///
  /// - Throws: ``SafetensorsError`` when tensors are incomplete, or the disk refuses.
  public mutating func finish() throws(SafetensorsError) {
    if let index = ends.firstIndex(where: { $0 > written }) {
      throw SafetensorsError(
        .wrongOrder,
        "cannot write \(path): tensor \(OneLine.quoted(entries[index].name)) lacks \(ends[index] - written) bytes; "
          + "append every declared tensor")
    }
    do {
      try file.commit()
    } catch {
      throw SafetensorsError(.notWritten, error.message)
    }
  }

  static func header(_ entries: [TensorEntry], ends: [Int], metadata: [String: String]) -> [UInt8] {
    var text: [UInt8] = [UInt8](repeating: 0, count: 8)
    text.append(0x7B)
    if !metadata.isEmpty {
      text += "\"__metadata__\":{".utf8
      for (index, key) in metadata.keys.sorted().enumerated() {
        if index > 0 { text.append(0x2C) }
        JSONText.append(key, to: &text)
        text.append(0x3A)
        JSONText.append(metadata[key] ?? "", to: &text)
      }
      text.append(0x7D)
    }
    for index in entries.indices.sorted(by: { entries[$0].name < entries[$1].name }) {
      let entry = entries[index]
      if text.count > 9 { text.append(0x2C) }
      JSONText.append(entry.name, to: &text)
      let shape = entry.shape.dimensions.map(String.init).joined(separator: ",")
      let begin = index == 0 ? 0 : ends[index - 1]
      text += ":{\"dtype\":\"\(entry.elementType.safetensorsName)\",\"shape\":[\(shape)],".utf8
      text += "\"data_offsets\":[\(begin),\(ends[index])]}".utf8
    }
    text.append(0x7D)
    while !text.count.isMultiple(of: 8) { text.append(0x20) }
    let length = UInt64(text.count - 8)
    for byte in 0..<8 { text[byte] = UInt8(truncatingIfNeeded: length >> (8 * UInt64(byte))) }
    return text
  }
}
