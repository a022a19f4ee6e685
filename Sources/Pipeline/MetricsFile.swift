internal import Artifacts
internal import Foundation
internal import Tensors

/// metrics.jsonl of a run folder, which rank 0 adds a line to after every step.
final class MetricsFile {
  private let handle: FileHandle
  private let path: String

  /// Opens the file at `path` for the stage `stage`, without that stage's lines after step `step`, which a run that goes
  /// on from there will write again, and without those of later stages, which an earlier run left.
  init(path: String, stage: String, keepingUntil step: Int, before: Set<String>) throws {
    self.path = path
    var kept: [UInt8] = []
    if FileManager.default.fileExists(atPath: path) {
      for line in try TrainingStep.read(contentsOfFile: path)
      where before.contains(line.stage) || (line.stage == stage && line.step <= step) {
        kept += try line.line()
      }
    }
    try DurableFile.write(kept, to: path)
    handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
  }

  /// Adds a line.
  func append(_ step: TrainingStep) throws {
    do {
      try handle.write(contentsOf: try step.line())
    } catch let error as CocoaError {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw StorageError(cannot: "write to", path, errno: Int32(cause?.code ?? 5))
    }
  }
}
