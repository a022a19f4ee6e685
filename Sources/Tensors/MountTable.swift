import Glibc

/// The mounted file systems, in the form of /proc/self/mountinfo: which of them share flock(2)'s locks between hosts.
package struct MountTable {
  private let mounts: [(folder: String, type: Substring, options: Set<Substring>)]

  /// Types whose locks stay on one host, whatever they were mounted with.
  private static let lonely: Set<Substring> = ["fuse.sshfs", "9p"]
  /// Options that keep locks on one host, of NFS and Lustre.
  private static let lonelyOptions: Set<Substring> = ["nolock", "local_lock=all", "local_lock=flock", "localflock"]

  package init(mountinfo text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " - ", maxSplits: 1)
      let (fields, more) = (halves[0].split(separator: " "), halves.last?.split(separator: " ") ?? [])
      guard halves.count == 2, fields.count >= 6, more.count >= 2 else { return nil }
      let options = fields[5].split(separator: ",") + (more.count > 2 ? more[2].split(separator: ",") : [])
      return (Self.unescaped(fields[4]), more[0], Set(options))
    }
  }

  /// This process's.
  static var current: MountTable {
    let descriptor = unsafe open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return MountTable(mountinfo: "") }
    defer { close(descriptor) }
    // The system's files tell no size, so they are read, not mapped.
    var (text, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = retryingInterruption { unsafe read(descriptor, &part, part.count) }
      guard count > 0, text.count < 1 << 24 else { break }
      text += part.prefix(count)
    }
    return MountTable(mountinfo: String(decoding: text, as: UTF8.self))
  }

  /// Whether a lock on the existing file at `path` holds on other hosts too. File systems that only one host mounts do.
  func sharesLocks(_ path: String) -> Bool {
    guard let resolved = unsafe realpath(path, nil) else { return sharesLocks(resolved: path) }
    defer { unsafe free(resolved) }
    return sharesLocks(resolved: unsafe String(cString: resolved))
  }

  /// The same of a path that is absolute and without links.
  package func sharesLocks(resolved path: String) -> Bool {
    let mount = mounts.filter { path == $0.folder || path.hasPrefix($0.folder == "/" ? "/" : $0.folder + "/") }
      .max { $0.folder.utf8.count < $1.folder.utf8.count }
    guard let mount else { return true }
    return !Self.lonely.contains(mount.type) && mount.options.isDisjoint(with: Self.lonelyOptions)
  }

  /// White space stands as `\040` and the like.
  private static func unescaped(_ field: Substring) -> String {
    var text = String(field)
    for (code, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
      text = text.split(separator: code, omittingEmptySubsequences: false).joined(separator: character)
    }
    return text
  }
}
