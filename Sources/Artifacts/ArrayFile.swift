internal import Crypto
internal import Safetensors
internal import Tensors

/// What our files of named float arrays share: scores, gates and saved states are safetensors with f32 `[count]` and, in
/// the metadata, the kind and version of the file and a SHA-256 over all of it.
enum ArrayFile {
  /// The metadata's key for the kind and version, such as `scores-1`.
  static let format = "espalier_format"
  /// The metadata's key for ``digest(_:metadata:)``.
  static let checksum = "sha256"

  /// Writes the arrays in order; the file appears under its name only when it is whole.
  ///
  /// - Parameter metadata: with the file's ``format``; its ``checksum`` is added.
  /// - Returns: ``digest(_:metadata:)``.
  @discardableResult
  static func write(
    _ arrays: [(name: String, values: [Float])], metadata: [String: String], to path: String
  ) throws(SafetensorsError) -> String {
    let digest = digest(arrays, metadata: metadata)
    var writer = try SafetensorsWriter(
      path: path,
      entries: arrays.map { TensorEntry(name: $0.name, elementType: .float32, shape: [$0.values.count]) },
      metadata: metadata.merging([checksum: digest]) { $1 })
    for (name, values) in arrays { unsafe try writer.append(name: name, bytes: values.span.bytes) }
    try writer.finish()
    return digest
  }

  /// Opens a file of one kind, with a header as we write it and a checksum, which ``Hash`` of the contents is still to be
  /// compared with.
  ///
  /// - Parameters:
  ///   - kind: what the file should be, as in the error, such as `score file`.
  ///   - remedy: what to do about another one.
  /// - Throws: ``SafetensorsError`` for a file that is none, ``ArtifactError`` for another kind of file, and with `damaged`
  ///   for one whose header is not as it was written.
  static func open(
    _ path: String, format: String, kind: String, remedy: String
  ) throws -> (file: SafetensorsFile, metadata: [String: String], checksum: String) {
    let file = try SafetensorsFile(path: path)
    guard file.metadata[Self.format] == format else {
      throw ArtifactError(
        code: .unsupportedVersion,
        message: "\(path): not a \(kind) of this version (metadata \(Self.format) is "
          + "\(file.metadata[Self.format]?.quotedForMessage ?? "missing"), not \(format)); \(remedy)")
    }
    var metadata = file.metadata
    guard let checksum = metadata.removeValue(forKey: checksum) else {
      throw ArtifactError(
        code: .damaged, message: "\(path): the \(kind) has no checksum (\(Self.checksum)); \(remedy)")
    }
    guard file.isCanonical else { throw damaged(path, remedy: remedy) }
    return (file, metadata, checksum)
  }

  /// Reads a file of one kind whole, and makes sure that every byte of it is as it was written.
  ///
  /// - Throws: as ``open(_:format:kind:remedy:)``, with `unreadable` when there is no file, and with `damaged` when the contents are not those that were written.
  static func read(
    _ path: String, format: String, kind: String, remedy: String
  ) throws -> (arrays: [String: [Float]], metadata: [String: String]) {
    try MissingArtifact.check(path, remedy: remedy)
    let (file, metadata, checksum) = try open(path, format: format, kind: kind, remedy: remedy)
    var arrays: [String: [Float]] = [:]
    for name in file.names { arrays[name] = try floats(of: name, in: file).floats() }
    guard digest(arrays.map { (name: $0.key, values: $0.value) }, metadata: metadata) == checksum else {
      throw damaged(path, remedy: remedy)
    }
    return (arrays, metadata)
  }

  /// The tensor of a name, which is f32 `[count]`.
  static func floats(of name: String, in file: SafetensorsFile) throws -> StoredTensor {
    let tensor = try file.tensor(name)
    guard tensor.elementType == .float32, tensor.shape.dimensions.count == 1 else {
      throw ArtifactError(
        code: .damaged, message: "\(file.path): tensor \(name.quotedForMessage) is not a list of float32 numbers")
    }
    return tensor
  }

  /// The contents are not those that were written.
  static func damaged(_ path: String, remedy: String) -> ArtifactError {
    ArtifactError(
      code: .damaged,
      message: "\(path): the contents do not have the checksum that was written with them; \(remedy)")
  }

  /// SHA-256 of metadata and arrays, bit for bit and whatever their order, in lowercase hexadecimal.
  static func digest(_ arrays: [(name: String, values: [Float])], metadata: [String: String]) -> String {
    var hash = Hash(metadata)
    for (name, values) in arrays.sorted(by: { $0.name < $1.name }) { unsafe hash.add(name, values.span.bytes) }
    return hash.finished
  }

  /// ``digest(_:metadata:)`` of arrays that come one at a time.
  struct Hash {
    private var hash = SHA256()

    init(_ metadata: [String: String]) {
      add(metadata.count)
      for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
        add(name)
        add(value)
      }
    }

    /// Adds the array that is next by name, its numbers as they lie in memory.
    mutating func add(_ name: String, _ bytes: RawSpan) {
      add(name)
      add(bytes.byteCount / 4)
      unsafe bytes.withUnsafeBytes { bytes in unsafe hash.update(bufferPointer: bytes) }
    }

    /// SHA-256 in lowercase hexadecimal.
    var finished: String { hash.finalize().hexadecimal }

    private mutating func add(_ text: String) {
      add(text.utf8.count)
      hash.update(data: Array(text.utf8))
    }

    private mutating func add(_ count: Int) {
      hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
    }
  }
}

extension [String: [Float]] {
  /// The array of a name in the file at `path`.
  ///
  /// - Throws: ``ArtifactError`` with `malformed` when there is none.
  func array(_ name: String, in path: String, remedy: String) throws(ArtifactError) -> [Float] {
    guard let values = self[name] else {
      throw ArtifactError(code: .malformed, message: "\(path): tensor \(name.quotedForMessage) is missing; \(remedy)")
    }
    return values
  }
}
