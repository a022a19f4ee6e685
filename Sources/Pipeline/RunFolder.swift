internal import Artifacts
internal import Foundation
internal import Reporting
internal import Tensors

/// The folder beside the output with a run's artifacts. Rank 0 alone writes to it.
struct RunFolder {
  let path: String

  var scores: String { path + "/scores.safetensors" }
  var plan: String { path + "/plan.json" }
  var state: String { path + "/state" }
  /// The cut model before recovery.
  var pruned: String { path + "/pruned" }
  var gates: String { path + "/gates.safetensors" }
  var metrics: String { path + "/metrics.jsonl" }
  var report: String { path + "/report.json" }
  var document: String { path + "/run.yaml" }
  var page: String { path + "/report.html" }

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
    try DurableFile.write([UInt8](try pruningPlan.canonicalJSON()), to: plan)
  }

  /// Writes report.json, and report.html beside it.
  func write(_ runReport: RunReport, of run: RunDocument) throws {
    try DurableFile.write(try runReport.json(), to: report)
    try writePage(runReport, resolvedYAML: run.resolvedYAML())
  }

  /// Writes report.html. Steps are looked for only where the report says that something was trained: an earlier run may
  /// have left a metrics.jsonl.
  func writePage(_ runReport: RunReport, resolvedYAML: String) throws {
    let isTrained = runReport.training?.isEmpty == false && FileManager.default.fileExists(atPath: metrics)
    let steps = isTrained ? try TrainingStep.read(contentsOfFile: metrics) : []
    let html = try HTMLReport(report: runReport, steps: steps, resolvedYAML: resolvedYAML).html()
    try DurableFile.write([UInt8](html.utf8), to: page)
  }

  private static func isSameFile(_ a: String, _ b: String) -> Bool {
    let manager = FileManager.default
    guard let first = try? manager.attributesOfItem(atPath: a), let second = try? manager.attributesOfItem(atPath: b)
    else { return false }
    return first[.systemFileNumber] as? Int == second[.systemFileNumber] as? Int
      && first[.systemNumber] as? Int == second[.systemNumber] as? Int
  }
}

/// The run folder cannot be made.
public struct RunFolderError: Error, CustomStringConvertible, Sendable, Equatable {
  public let message: String

  package init(message: String) { self.message = message }

  public var description: String { message.split(whereSeparator: \.isNewline).joined(separator: " ") }
}
