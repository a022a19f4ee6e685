internal import Artifacts
internal import Checkpoints
internal import Tensors

/// Which weight files of a folder are whole, while it is written: `.espalier-shards.json`.
struct ShardManifest: Codable, Equatable {
  /// What the files' contents follow from.
  let key: String
  /// SHA-256 of each whole file, by its name.
  var shards: [String: String]

  private static let format = "shards-1"
  /// A file beyond this is none of ours: 99,999 shards take about 10 MB.
  private static let largestFile = 64 << 20

  /// No file yet.
  init(key: String) { (self.key, shards) = (key, [:]) }

  /// What an earlier write with the same key left in `folder`; nil when there is nothing, or it is damaged.
  init?(in folder: OutputFolder, key: String) {
    guard let file = try? MappedFile(path: "\(folder.path)/\(OutputFolder.shardManifestName)"),
      file.size <= Self.largestFile,
      let manifest = SealedJSON<Self>.content(
        of: unsafe file.bytes.withUnsafeBytes { unsafe [UInt8]($0) }, format: Self.format,
        largestFile: Self.largestFile),
      manifest.key == key
    else { return nil }
    self = manifest
  }

  /// Writes it durably; the files that it names are durable before.
  func write(to folder: OutputFolder) throws {
    try folder.write(try SealedJSON.bytes(self, format: Self.format), to: OutputFolder.shardManifestName)
  }
}
