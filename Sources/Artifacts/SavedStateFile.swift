internal import Safetensors
internal import Tensors

/// A file of a saved state whose arrays are too large to hold all at once: written and read one at a time.
public struct SavedStateFile: Sendable {
  private let file: SafetensorsFile
  /// Texts by name, as ``SavedState/values``.
  public let values: [String: String]
  /// ``SavedState/digest`` of the contents, which has been checked.
  public let digest: String

  /// The names of the arrays, sorted.
  public var names: [String] { file.names }

  /// Opens a file and checks every byte of it; its arrays stay on disk.
  ///
  /// - Throws: ``SafetensorsError`` for a file that is none, ``ArtifactError`` for one of another kind, and with `damaged`
  ///   for one whose contents are not those that were written.
  public init(path: String) throws {
    let metadata: [String: String]
    let checksum: String
    (file, metadata, checksum) = try ArrayFile.open(
      path, format: StateFormat.version, kind: "saved state", remedy: Self.remedy)
    var hash = ArrayFile.Hash(metadata)
    for name in file.names { hash.add(name, try ArrayFile.floats(of: name, in: file).bytes) }
    digest = hash.finished
    guard digest == checksum else { throw ArrayFile.damaged(path, remedy: Self.remedy) }
    var values: [String: String] = [:]
    for (name, value) in metadata where name.hasPrefix(StateFormat.value) {
      values[String(name.dropFirst(StateFormat.value.count))] = value
    }
    self.values = values
  }

  /// The array of a name.
  ///
  /// - Throws: ``SafetensorsError`` when there is none.
  public func array(_ name: String) throws -> [Float] { try file.tensor(name).floats() }

  /// How many numbers the array of a name has; nil when there is none.
  public func count(of name: String) -> Int? { try? file.tensor(name).elementCount }

  /// Writes a state of arrays that are made one at a time, each of them twice: for the checksum, which stands in front,
  /// and for the file. The same file as ``SavedState/write(to:)``'s.
  ///
  /// - Parameters:
  ///   - arrays: names, sorted, and how many numbers each array has.
  ///   - array: the array of a place among them.
  /// - Returns: ``SavedState/digest``.
  /// - Throws: ``SafetensorsError`` when the file cannot be written; it appears only when it is whole and durable.
  public static func write(
    _ arrays: [(name: String, count: Int)], values: [String: String] = [:], to path: String,
    array: (_ place: Int) throws -> [Float]
  ) throws -> String {
    precondition(zip(arrays, arrays.dropFirst()).allSatisfy { $0.name < $1.name }, "arrays come sorted by name")
    let metadata = StateFormat.metadata(values)
    var hash = ArrayFile.Hash(metadata)
    for (place, (name, _)) in arrays.enumerated() {
      let numbers = try array(place)
      unsafe hash.add(name, numbers.span.bytes)
    }
    let digest = hash.finished
    var writer = try SafetensorsWriter(
      path: path,
      entries: arrays.map { TensorEntry(name: $0.name, elementType: .float32, shape: [$0.count]) },
      metadata: metadata.merging([ArrayFile.checksum: digest]) { $1 })
    for (place, (name, _)) in arrays.enumerated() {
      let numbers = try array(place)
      unsafe try writer.append(name: name, bytes: numbers.span.bytes)
    }
    try writer.finish()
    return digest
  }

  private static let remedy = "remove it to start anew"
}
