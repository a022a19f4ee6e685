internal import Foundation
internal import Tensors

/// The failure of an artifact that was not made yet, which says what makes it.
package enum MissingArtifact {
  /// - Parameters:
  ///   - remedy: which command makes it.
  /// - Throws: ``ArtifactError`` with `unreadable` when there is nothing at `path`.
  package static func check(_ path: String, remedy: String) throws(ArtifactError) {
    if let problem = BrokenLink.problem(at: path) {
      throw ArtifactError(code: .unreadable, message: "\(OneLine.text(path)): cannot be read: \(problem)")
    }
    guard !FileManager.default.fileExists(atPath: path) else { return }
    throw ArtifactError(
      code: .unreadable,
      message: "\(OneLine.text(path)): cannot be read: No such file or directory; \(remedy), or name another file")
  }
}
