internal import Glibc
internal import Tensors

/// Sizes and times of a model folder's files as a run opened them, to notice that somebody changes them under it.
///
/// Files are mapped, so what is written over them is read by a run that goes on. Hashing them again would cost as much as
/// reading them; a file that was written over has another time. Inode numbers are left out: some network file systems
/// give a file a new one.
public struct CheckpointStamp: Sendable {
  private struct Stamp: Sendable, Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    /// Nil for a file that is not there.
    init?(_ path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return nil }
      (size, seconds, nanoseconds) = (Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
  }

  private let stamps: [(path: String, stamp: Stamp?)]

  /// The files of a folder as they are now: configuration, index and weights.
  public init(_ folder: CheckpointFolder) {
    let names = ["config.json", CheckpointFolder.indexName] + folder.fileNames
    stamps = names.map { ("\(folder.path)/\($0)", Stamp("\(folder.path)/\($0)")) }
  }

  /// - Throws: ``CheckpointError`` with code `changed`, naming the first file that is not as it was.
  public func requireUnchanged() throws(CheckpointError) {
    for (path, stamp) in stamps where Stamp(path) != stamp {
      throw CheckpointError(
        .changed,
        "\(path) \(Stamp(path) == nil ? "was removed" : "changed") while the run was reading it; put the model back as it "
          + "was, or start over with the new one")
    }
  }
}
