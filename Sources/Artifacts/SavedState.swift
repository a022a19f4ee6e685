internal import Crypto
public import Safetensors
internal import Tensors

/// What a stage needs to go on where it was, such as gates, moments and residuals: named arrays and named texts.
///
/// A file of it is safetensors, the arrays as f32 `[count]` and the texts in the metadata, with a SHA-256 over both.
public struct SavedState: Sendable, Equatable {
  /// Arrays by name; `__metadata__` is no name for one.
  public var arrays: [String: [Float]] = [:]
  /// Texts by name: counts, seeds, hashes.
  public var values: [String: String] = [:]

  /// A state of nothing.
  public init() {}

  private enum Key {
    static let digest = "sha256"
    /// In front of the names of ``values``, so that they never meet the others.
    static let value = "value."
  }
  private static let format = "state-1"

  /// SHA-256 of arrays and values, bit for bit, in lowercase hexadecimal.
  public var digest: String {
    var hash = SHA256()
    func update(_ text: String) {
      Self.update(&hash, text.utf8.count)
      hash.update(data: Array(text.utf8))
    }
    Self.update(&hash, values.count)
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      update(name)
      update(value)
    }
    for (name, values) in arrays.sorted(by: { $0.key < $1.key }) {
      update(name)
      Self.update(&hash, values.count)
      unsafe values.span.bytes.withUnsafeBytes { bytes in unsafe hash.update(bufferPointer: bytes) }
    }
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  private static func update(_ hash: inout SHA256, _ count: Int) {
    hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
  }

  /// Writes the state; the file appears under its name only when it is whole and durable.
  ///
  /// - Returns: ``digest``.
  /// - Throws: ``SafetensorsError`` when it cannot be written.
  @discardableResult
  public func write(to path: String) throws(SafetensorsError) -> String {
    let digest = digest
    var metadata = [ArrayFile.format: Self.format, Key.digest: digest]
    for (name, value) in values { metadata[Key.value + name] = value }
    let named = arrays.sorted { $0.key < $1.key }.map { (name: $0.key, values: $0.value) }
    try ArrayFile.write(named, metadata: metadata, to: path)
    return digest
  }

  /// Reads a state that ``write(to:)`` wrote.
  ///
  /// - Throws: ``SafetensorsError`` for a file that is none, ``ArtifactError`` for one of another kind, and with `damaged`
  ///   for one whose contents are not those that were written.
  public init(contentsOfFile path: String) throws {
    let file = try ArrayFile.open(
      path, format: Self.format, kind: "saved state", remedy: "remove it to start anew")
    for (name, value) in file.metadata where name.hasPrefix(Key.value) {
      values[String(name.dropFirst(Key.value.count))] = value
    }
    for name in file.names {
      let tensor = try file.tensor(name)
      guard tensor.elementType == .float32, tensor.shape.dimensions.count == 1 else { throw Self.damaged(path) }
      arrays[name] = try tensor.floats()
    }
    guard file.metadata[Key.digest] == digest else { throw Self.damaged(path) }
  }

  private static func damaged(_ path: String) -> ArtifactError {
    ArtifactError(
      code: .damaged,
      message:
        "\(path): the contents do not have the checksum that was written with them; remove the file to start anew")
  }
}
