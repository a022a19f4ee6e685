internal import Artifacts
internal import Foundation
internal import Tensors

/// The folder beside the output with a run's artifacts. Rank 0 alone writes to it.
struct RunFolder {
  let path: String

  static let scoresName = "scores.safetensors"
  static let planName = "plan.json"
  static let gatesName = "gates.safetensors"
  static let generatedName = "generated.safetensors"

  var scores: String { path + "/" + Self.scoresName }
  var plan: String { path + "/" + Self.planName }
  var state: String { path + "/state" }
  /// The cut model before recovery.
  var pruned: String { path + "/pruned" }
  var gates: String { path + "/" + Self.gatesName }
  /// The text that the model wrote.
  var generated: String { path + "/" + Self.generatedName }
  var metrics: String { path + "/metrics.jsonl" }
  var report: String { path + "/report.json" }
  var document: String { path + "/run.yaml" }
  var trace: String { path + "/trace.json" }
  var page: String { path + "/report.html" }

  /// What an unfinished run has done.
  var runState: String { state + "/run.json" }
  /// What recovery has learned, until it is merged; by its path in the run folder, and as a whole path.
  static let recoveredName = "state/recovered.safetensors"
  var recovered: String { path + "/" + Self.recoveredName }
  private var lockFile: String { path + "/run.lock" }

  /// The folder and those above it that are not there, the highest first.
  var missingFolders: [String] {
    var missing: [String] = []
    // Not by NSString, whose deletingLastPathComponent traps on names of one letter.
    var folder = Substring(path)
    while !folder.isEmpty, !FileManager.default.fileExists(atPath: String(folder)) {
      missing.insert(String(folder), at: 0)
      folder = folder.lastIndex(of: "/").map { folder[..<$0] } ?? ""
    }
    return missing
  }

  /// Takes the lock that keeps a second run out.
  ///
  /// - Throws: ``RunFolderError`` naming who has it.
  func lock(_ verb: String) throws -> FileLock {
    do throws(StorageError) {
      return try FileLock(path: lockFile, purpose: verb)
    } catch {
      let advice = error.code == .locked ? "; wait for its end, or name another run folder (--run-folder)" : ""
      throw RunFolderError(message: error.message + advice)
    }
  }

  /// Makes the folder unless it is there.
  ///
  /// - Throws: ``StorageError`` when it cannot be made.
  func make() throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
      let reason =
        cause.map { StorageError.text(ofErrno: Int32(truncatingIfNeeded: ($0 as NSError).code)) }
        ?? "it is not a folder"
      throw RunFolderError(message: "cannot create the run folder \(path): \(reason); name another (--run-folder)")
    }
  }

  /// Writes the resolved document, unless it is the very file that the user wrote.
  func write(_ run: RunDocument, readFrom original: String?) throws {
    if let original, Self.isSameFile(original, document) { return }
    try DurableFile.write([UInt8](run.resolvedYAML().utf8), to: document)
  }

  func write(_ pruningPlan: PruningPlan) throws {
    try DurableFile.write([UInt8](try pruningPlan.fileJSON()), to: plan)
  }

  private static func isSameFile(_ a: String, _ b: String) -> Bool {
    let manager = FileManager.default
    guard let first = try? manager.attributesOfItem(atPath: a), let second = try? manager.attributesOfItem(atPath: b)
    else { return false }
    return first[.systemFileNumber] as? Int == second[.systemFileNumber] as? Int
      && first[.systemNumber] as? Int == second[.systemNumber] as? Int
  }
}

/// The run folder cannot be made, or another run is in it.
public struct RunFolderError: Error, CustomStringConvertible, Sendable, Equatable {
  public let message: String

  package init(message: String) { self.message = message }

  public var description: String { message.split(whereSeparator: \.isNewline).joined(separator: " ") }
}
