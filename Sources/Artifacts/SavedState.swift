public import Safetensors

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

  /// SHA-256 of arrays and values, bit for bit, in lowercase hexadecimal.
  public var digest: String { ArrayFile.digest(named, metadata: StateFormat.metadata(values)) }

  private var named: [(name: String, values: [Float])] {
    arrays.sorted { $0.key < $1.key }.map { (name: $0.key, values: $0.value) }
  }

  /// Writes the state; the file appears under its name only when it is whole and durable.
  ///
  /// - Returns: ``digest``.
  /// - Throws: ``SafetensorsError`` when it cannot be written.
  @discardableResult
  public func write(to path: String) throws(SafetensorsError) -> String {
    try ArrayFile.write(named, metadata: StateFormat.metadata(values), to: path)
  }

  /// Reads a state that ``write(to:)`` wrote.
  ///
  /// - Throws: as ``SavedStateFile/init(path:)``.
  public init(contentsOfFile path: String) throws {
    try self.init(SavedStateFile(path: path))
  }

  /// All of a file that was opened.
  ///
  /// - Throws: ``SafetensorsError`` when it cannot be read.
  public init(_ file: SavedStateFile) throws {
    values = file.values
    for name in file.names { arrays[name] = try file.array(name) }
  }
}
