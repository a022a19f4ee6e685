internal import Artifacts
internal import Foundation
internal import Tensors

/// A run that is over, from what its run folder holds, for `espalier report`.
public struct FinishedRun {
  private let folder: RunFolder
  private let report: RunReport
  private let resolvedYAML: String

  /// Reads report.json, and run.yaml where it is still there.
  ///
  /// - Parameter path: the run folder.
  /// - Throws: ``ArtifactError`` when there is no report.json that can be read, ``RunDocumentError`` when run.yaml cannot
  ///   be.
  public init(folder path: String) throws {
    folder = RunFolder(path: path)
    report = try Self.report(at: folder.report)
    let isThere = FileManager.default.fileExists(atPath: folder.document)
    resolvedYAML =
      isThere ? String(decoding: try RunDocument.bytes(ofFile: folder.document), as: UTF8.self) : ""
  }

  /// Writes report.html again and gives its path.
  ///
  /// - Throws: ``ArtifactError`` for a damaged metrics.jsonl, ``StorageError`` when the page cannot be written.
  public func writePage() throws -> String {
    try folder.writePage(report, resolvedYAML: resolvedYAML)
    return folder.page
  }

  private static func report(at path: String) throws(ArtifactError) -> RunReport {
    let url = URL(filePath: path)
    guard let handle = try? FileHandle(forReadingFrom: url),
      let data = try? handle.read(upToCount: RunReport.maximumBytes + 1)
    else {
      throw ArtifactError(
        code: .unreadable, message: "\(OneLine.text(path)): cannot be read; name the run folder of a run that has ended"
      )
    }
    do throws(RunDocumentError) {
      return try RunReport(json: [UInt8](data), name: path)
    } catch {
      // What a run wrote and somebody spoiled is damaged data, not a wrong document.
      throw ArtifactError(code: error.code == .unsupported ? .unsupportedVersion : .malformed, message: error.message)
    }
  }
}
