/// What stands in a saved state's metadata.
enum StateFormat {
  /// Of the file.
  static let version = "state-1"
  /// In front of the names of ``SavedState/values``, so that they never meet the file's own.
  static let value = "value."

  /// The metadata of a state with these values, but for the checksum.
  static func metadata(_ values: [String: String]) -> [String: String] {
    var metadata = [ArrayFile.format: version]
    for (name, text) in values { metadata[value + name] = text }
    return metadata
  }
}
