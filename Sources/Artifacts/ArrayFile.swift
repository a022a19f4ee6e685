internal import Safetensors
internal import Tensors

/// What our files of named float arrays share: scores, gates and saved states are safetensors with f32 `[count]` and, in
/// the metadata, the kind and version of the file.
enum ArrayFile {
  /// The metadata's key for the kind and version, such as `scores-1`.
  static let format = "espalier_format"

  /// Writes the arrays in order; the file appears under its name only when it is whole.
  static func write(
    _ arrays: [(name: String, values: [Float])], metadata: [String: String], to path: String
  ) throws(SafetensorsError) {
    var writer = try SafetensorsWriter(
      path: path,
      entries: arrays.map { TensorEntry(name: $0.name, elementType: .float32, shape: [$0.values.count]) },
      metadata: metadata)
    for (name, values) in arrays { unsafe try writer.append(name: name, bytes: values.span.bytes) }
    try writer.finish()
  }

  /// Opens a file of one kind.
  ///
  /// - Parameters:
  ///   - kind: what the file should be, as in the error, such as `score file`.
  ///   - remedy: what to do about another one.
  /// - Throws: ``SafetensorsError`` for a damaged file, ``ArtifactError`` for another kind of file.
  static func open(_ path: String, format: String, kind: String, remedy: String) throws -> SafetensorsFile {
    let file = try SafetensorsFile(path: path)
    guard file.metadata[Self.format] == format else {
      throw ArtifactError(
        code: .unsupportedVersion,
        message: "\(path): not a \(kind) of this version (metadata \(Self.format) is "
          + "\(file.metadata[Self.format]?.quotedForMessage ?? "missing"), not \(format)); \(remedy)")
    }
    return file
  }
}
