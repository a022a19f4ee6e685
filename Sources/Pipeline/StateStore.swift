package import Artifacts
internal import Communication
internal import Foundation
internal import Tensors

/// The states that a stage saves while it goes on, in the run folder's `state`, so that a killed run can be resumed: on as
/// many ranks to the same bits, and on any other number from what ranks share and what each of them reads of the others'.
///
/// A state is one file of what all ranks share and one of each rank that has something of its own. It counts once the
/// manifest names it, which is written last; the manifest names the newest state and the one before, so that there is
/// one to go back to where the newest is damaged. Every method is collective, and ranks share the folder's file system.
package struct StateStore {
  private let folder: String
  let name: String
  let session: Session

  /// Whole states kept.
  private static let generations = 2

  /// - Parameters:
  ///   - folder: The run folder.
  ///   - name: The stage's, which its files begin with: letters only.
  package init(folder: String, name: String, session: Session) {
    precondition(!name.isEmpty && name.allSatisfy { $0.isASCII && $0.isLetter }, "a plain name is needed")
    self.folder = RunFolder(path: folder).state
    self.name = name
    self.session = session
  }

  /// Saves the state after `step` steps, and removes those that are no longer needed.
  ///
  /// - Parameters:
  ///   - digest: Of what the state depends on, such as ``RunDocument/digest(of:)`` of the gates; the same on all ranks.
  ///   - shared: What all ranks hold alike; rank 0's is written.
  ///   - own: What this rank alone holds; nil for nothing.
  /// - Throws: the same error on every rank when a file cannot be written; older states then still count.
  package func save(step: Int, digest: String, shared: SavedState, own: SavedState?) throws {
    try save(step: step, digest: digest, shared: shared, writingOwn: own.map { own in { try own.write(to: $0) } })
  }

  /// The same, where this rank's own is too large to be held twice.
  ///
  /// - Parameter own: Writes ``SavedStateFile``, and returns its digest; nil for nothing.
  func save(
    step: Int, digest: String, shared: SavedState, writingOwn own: ((_ path: String) throws -> String)?
  ) throws {
    try session.together {
      if isFirst || own != nil { try RunFolder(path: folder).make() }
    }
    let (sharedDigest, ownDigest) = try session.together {
      (
        isFirst ? try shared.write(to: path(step, rank: nil)) : "",
        try own?(path(step, rank: rank)) ?? ""
      )
    }
    let ownDigests = try session.communicator.gather(Array(ownDigest.utf8)).map { String(decoding: $0, as: UTF8.self) }
    try session.together {
      guard isFirst else { return }
      let newest = StateManifest.Generation(step: step, digest: digest, shared: sharedDigest, own: ownDigests)
      // A later step was found damaged, or belongs to another way of getting there. What other ranks saved still counts.
      let older = (manifestBytes().flatMap(StateManifest.init(json:))?.generations ?? []).filter {
        $0.step < step && $0.digest == digest
      }
      let kept = [newest] + older.prefix(Self.generations - 1)
      try DurableFile.write(try StateManifest(Array(kept)).json(), to: manifest)
      removeFiles(except: kept)
    }
  }

  /// The newest state that is whole, read and checked by every rank, whatever number of ranks saved it; nil when there is
  /// none for `digest`. The console says why one that is there is not taken.
  ///
  /// - Throws: the same error on every rank when ranks cannot talk to each other.
  package func load(digest: String) throws -> LoadedState? {
    try load(digest: digest) { stored in
      let isSame = stored.ranks == session.communicator.size
      return LoadedState(
        step: stored.step, ranks: stored.ranks, shared: try SavedState(stored.shared()),
        own: isSame ? try stored.own(ofRank: rank).map { try SavedState($0) } : nil,
        leavesOwn: !isSame && stored.hasOwn)
    }
  }

  /// The newest state of `digest` that every rank can read.
  ///
  /// - Parameter read: opens the files that this rank needs, and takes out of them what it needs; local. Where it throws on
  ///   any rank, all go back to an older state.
  /// - Throws: the same error on every rank when ranks cannot talk to each other.
  func load<Value>(digest: String, _ read: (_ stored: StoredState) throws -> Value) throws -> Value? {
    let bytes = try session.communicator.broadcast(isFirst ? manifestBytes() ?? [] : [], root: 0)
    guard !bytes.isEmpty else { return nil }
    guard let manifest = StateManifest(json: bytes) else {
      session.console.say("\(self.manifest): damaged; \(name) starts anew")
      return nil
    }
    var reason = "it names no state"
    for generation in manifest.generations {
      if generation.digest != digest {
        reason = "saved by another run document, model or text"
      } else {
        let stored = StoredState(generation, manifest: self.manifest) { path(generation.step, rank: $0) }
        let state = Result { try read(stored) }
        var problem = ""
        if case .failure(let error) = state { problem = "\(error)" }
        // A rank that cannot read its part takes the others along to an older state.
        let problems = try session.communicator.gather(Array(problem.utf8)).filter { !$0.isEmpty }
        guard let first = problems.first else { return try state.get() }
        reason = "the state of step \(generation.step) cannot be used"
        session.console.say(String(decoding: first, as: UTF8.self))
      }
    }
    session.console.say("\(self.manifest): \(reason); \(name) starts anew")
    return nil
  }

  /// Removes all states, as when the stage's result is written.
  ///
  /// - Throws: the same error on every rank when the manifest cannot be removed.
  package func remove() throws {
    try session.together {
      guard isFirst, FileManager.default.fileExists(atPath: folder) else { return }
      // The manifest goes first: what a kill leaves is then no state.
      if FileManager.default.fileExists(atPath: manifest) {
        guard (try? FileManager.default.removeItem(atPath: manifest)) != nil else {
          throw RunFolderError(message: "cannot remove \(manifest); remove it, or the next run goes on from there")
        }
        try DurableFile.synchronize(folder: folder)
      }
      removeFiles(except: [])
      let rest = try? FileManager.default.contentsOfDirectory(atPath: folder)
      if rest?.isEmpty == true { try? FileManager.default.removeItem(atPath: folder) }
    }
  }

  private var rank: Int { session.communicator.rank }
  private var isFirst: Bool { rank == 0 }
  private var manifest: String { "\(folder)/\(name).json" }

  /// The file of a step's state: the shared one, or a rank's own.
  private func path(_ step: Int, rank: Int?) -> String { "\(folder)/\(fileName(step, rank: rank))" }

  private func fileName(_ step: Int, rank: Int?) -> String {
    let number = String(step)
    let padding = String(repeating: "0", count: max(0, 6 - number.count))
    return "\(name)-\(padding)\(number)\(rank.map { ".rank-\($0)" } ?? "").safetensors"
  }

  /// What stands in the manifest's file; nil when there is none.
  private func manifestBytes() -> [UInt8]? {
    guard let file = try? MappedFile(path: manifest), file.size <= StateManifest.largestFile else { return nil }
    return unsafe file.bytes.withUnsafeBytes { bytes in unsafe [UInt8](bytes) }
  }

  /// Removes this stage's files but those of `kept`, also temporary ones that a kill left. What cannot be removed stays:
  /// it is in nobody's way.
  private func removeFiles(except kept: some Sequence<StateManifest.Generation>) {
    let files = Set(
      kept.flatMap { generation in
        [fileName(generation.step, rank: nil)]
          + generation.own.indices.filter { !generation.own[$0].isEmpty }.map { fileName(generation.step, rank: $0) }
      })
    for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !files.contains(file) {
      let isState = file.hasPrefix("\(name)-") && file.hasSuffix(".safetensors")
      let isTemporary = file.hasPrefix(".\(name)") && DurableFile.isTemporaryName(file)
      if isState || isTemporary { try? FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
    }
  }
}
