internal import Foundation
internal import Glibc
internal import Tensors

/// What stands at a path, symbolic links followed.
enum FolderListing {
  enum Kind {
    /// Nothing, a symbolic link that leads nowhere, or what the system does not let one look at.
    case missing
    case file
    case folder
    /// A pipe, a device or a socket.
    case other
  }

  static func kind(_ path: String) -> Kind {
    guard let status = status(path) else { return .missing }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// Whether there is something at `path`.
  ///
  /// - Parameter code: of the error for a symbolic link that leads nowhere.
  /// - Throws: ``CheckpointError`` for such a link, and where the system does not let one look.
  static func isThere(_ path: String, else code: CheckpointError.Code) throws(CheckpointError) -> Bool {
    guard kind(path) == .missing else { return true }
    if let problem = BrokenLink.problem(at: path) { throw CheckpointError(code, "\(path): \(problem)") }
    var status = stat()
    guard !path.utf8.contains(0), unsafe stat(path, &status) != 0, errno == EACCES else { return false }
    throw CheckpointError(StorageError(cannot: "open", path, errno: EACCES))
  }

  /// Whether two paths lead to the same existing file or folder.
  static func isSame(_ path: String, _ other: String) -> Bool {
    guard let first = status(path), let second = status(other) else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// The names in a folder, sorted.
  static func names(_ path: String) throws(CheckpointError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw CheckpointError(.storage, "cannot list the folder \(path); check that it is a folder and its permissions")
    }
  }

  /// Makes a folder inside an existing one.
  static func create(_ path: String) throws(StorageError) {
    guard unsafe mkdir(path, 0o777) == 0 else { throw StorageError(cannot: "create the folder", path, errno: errno) }
  }

  /// Removes a file, or passes over one that is not there.
  static func removeFile(_ path: String) throws(StorageError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw StorageError(cannot: "remove", path, errno: errno)
    }
  }

  /// Removes a folder if it is empty.
  static func removeEmptyFolder(_ path: String) {
    _ = unsafe rmdir(path)
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    // A path with a NUL would be cut there by the system, and so name another file.
    guard !path.isEmpty, !path.utf8.contains(0), unsafe stat(path, &status) == 0 else { return nil }
    return status
  }
}
