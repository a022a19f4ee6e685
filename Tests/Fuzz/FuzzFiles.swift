import Foundation

/// The files that inputs are put into, in memory, since most readers map a file.
struct FuzzFiles {
  private let folder: String
  private let model: String

  /// - Parameter model: a small checkpoint of two files or more, of which an input replaces the index or config.json.
  init(model: String) throws {
    folder = "/dev/shm/espalier-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    self.model = model
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// The path of a file with `bytes` in it.
  func put(_ bytes: [UInt8], _ name: String) throws -> String {
    let path = "\(folder)/\(name)"
    // A file that was mapped is never shortened: a new one takes its name.
    try? FileManager.default.removeItem(atPath: path)
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  /// The path of the checkpoint with `bytes` in place of one of its files.
  func checkpoint(_ bytes: [UInt8], as name: String) throws -> String {
    let checkpoint = "\(folder)/model"
    if !FileManager.default.fileExists(atPath: checkpoint) {
      try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: true)
      for file in try FileManager.default.contentsOfDirectory(atPath: model) where file != name {
        try FileManager.default.createSymbolicLink(
          atPath: "\(checkpoint)/\(file)", withDestinationPath: "\(model)/\(file)")
      }
    }
    _ = try put(bytes, "model/\(name)")
    return checkpoint
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
