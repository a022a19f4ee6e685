internal import Artifacts
internal import Foundation
internal import Tensors

/// state/run.json and its neighbors. Rank 0's, as all of the folder.
extension RunFolder {
  /// What stands in run.json, damaged or not; nil when there is none.
  var runStateBytes: [UInt8]? {
    guard let file = try? MappedFile(path: runState), file.size <= RunState.largestFile else { return nil }
    return unsafe file.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// Whether a stage has saved a state of its own.
  var hasStageState: Bool {
    stateNames.contains { $0 != "run.json" && !DurableFile.isTemporaryName($0) }
  }

  /// Writes run.json durably.
  func write(_ runState: RunState) throws {
    try RunFolder(path: state).make()
    try DurableFile.write(try runState.json(), to: self.runState)
  }

  /// Removes everything that the state's folder holds of ours, and the folder with it.
  ///
  /// - Throws: ``RunFolderError`` when run.json stays.
  func removeState() throws {
    // It goes first: what a kill leaves is then no run to continue.
    if FileManager.default.fileExists(atPath: runState) {
      guard (try? FileManager.default.removeItem(atPath: runState)) != nil else {
        throw RunFolderError(message: "cannot remove \(runState); remove it, or the next run goes on from there")
      }
      try DurableFile.synchronize(folder: state)
    }
    for name in stateNames
    where name.hasSuffix(".json") || name.hasSuffix(".safetensors") || DurableFile.isTemporaryName(name) {
      try? FileManager.default.removeItem(atPath: "\(state)/\(name)")
    }
    Self.removeEmpty([state])
  }

  /// Removes folders that are empty, the last first.
  static func removeEmpty(_ folders: [String]) {
    for folder in folders.reversed()
    where (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == true {
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  private var stateNames: [String] { (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? [] }
}
