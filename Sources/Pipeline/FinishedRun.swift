internal import Artifacts
internal import Foundation
internal import Tensors

/// A run that is over, from what its run folder holds, for `espalier report`.
public struct FinishedRun {
  private let folder: RunFolder
  private let report: RunReport
  /// What report.json tells that the files beside it do not bear out, and what else lies there, a line each.
  public let notes: [String]

  /// Reads report.json, and holds it against the files that it tells of.
  ///
  /// - Parameter path: the run folder.
  /// - Throws: ``ArtifactError`` when there is no report.json that can be read.
  public init(folder path: String) throws {
    var path = path[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    folder = RunFolder(path: String(path))
    (report, notes) = folder.compared(try Self.report(at: folder.report))
  }

  /// Writes report.html again and gives its path.
  ///
  /// - Throws: ``ArtifactError`` for a damaged metrics.jsonl, ``RunDocumentError`` for a run.yaml that cannot be read,
  ///   ``StorageError`` when the page cannot be written.
  public func writePage() throws -> String {
    try folder.writePage(report, notes: notes)
    return folder.page
  }

  static func report(at path: String) throws(ArtifactError) -> RunReport {
    let url = URL(filePath: path)
    guard let handle = try? FileHandle(forReadingFrom: url),
      let data = try? handle.read(upToCount: RunReport.maximumBytes + 1)
    else {
      throw ArtifactError(
        code: .unreadable,
        message:
          "\(OneLine.text(path)): cannot be read; name the run folder of a run that has ended: every verb that works "
          + "on a model leaves the file there, such as `espalier prune`")
    }
    do throws(RunDocumentError) {
      return try RunReport(json: [UInt8](data), name: path)
    } catch {
      // What a run wrote and somebody spoiled is damaged data, not a wrong document.
      throw ArtifactError(code: error.code == .unsupported ? .unsupportedVersion : .malformed, message: error.message)
    }
  }
}
