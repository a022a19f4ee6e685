package import Artifacts

/// A saved state of a stage, of which each rank opens the files that it needs; whatever is opened is checked whole.
struct StoredState {
  private let generation: StateManifest.Generation
  private let manifest: String
  private let path: (_ rank: Int?) -> String

  /// - Parameters:
  ///   - manifest: the manifest's path, for errors.
  ///   - path: the file of what ranks share, or of a rank's own.
  init(_ generation: StateManifest.Generation, manifest: String, path: @escaping (_ rank: Int?) -> String) {
    self.generation = generation
    self.manifest = manifest
    self.path = path
  }

  /// Steps done.
  var step: Int { generation.step }

  /// How many ranks saved it.
  var ranks: Int { generation.own.count }

  /// Whether any of them had something of its own.
  var hasOwn: Bool { generation.own.contains { !$0.isEmpty } }

  /// What ranks share.
  ///
  /// - Throws: as ``SavedStateFile/init(path:)``, and ``ArtifactError`` with `mismatch` for the file of another state.
  func shared() throws -> SavedStateFile { try open(path(nil), generation.shared) }

  /// What one of the ranks that saved it had of its own; nil where it had nothing.
  ///
  /// - Throws: as ``shared()``.
  func own(ofRank rank: Int) throws -> SavedStateFile? {
    let digest = generation.own[rank]
    return digest.isEmpty ? nil : try open(path(rank), digest)
  }

  private func open(_ path: String, _ digest: String) throws -> SavedStateFile {
    let file = try SavedStateFile(path: path)
    guard file.digest == digest else {
      throw ArtifactError(code: .mismatch, message: "\(path): not the state that \(manifest) names")
    }
    return file
  }
}

/// A state that was read whole.
package struct LoadedState: Sendable, Equatable {
  /// Steps done.
  package let step: Int
  /// How many ranks saved it.
  package let ranks: Int
  package let shared: SavedState
  /// This rank's own; nil on another number of ranks, where nothing is any rank's own.
  package let own: SavedState?
  /// Whether there was something that ranks had of their own, and their number is another now.
  package let leavesOwn: Bool
}
