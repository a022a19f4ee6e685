import Glibc
import Synchronization

/// A lock that one process of all has, by flock(2) on a file that says who has it.
///
/// The system takes the lock back when the process ends, however it ends: a file that a killed process left is in nobody's
/// way. Between hosts it holds where the file system shares locks (NFS from version 3 on, unless mounted with `nolock` or
/// `local_lock`; Lustre with `flock`; GPFS, CephFS); where it does not, a file that another host left is believed, and the
/// error says to remove it.
public final class FileLock: Sendable {
  public let path: String
  private let descriptor: Mutex<Int32>

  /// Takes the lock at once, making the file where there is none.
  ///
  /// - Parameter purpose: what the lock is taken for, one line, for those who do not get it.
  /// - Throws: ``StorageError``: `locked`, naming the holder, or what keeps the file from being made.
  public init(path: String, purpose: String) throws(StorageError) {
    self.path = path
    descriptor = Mutex(try Self.take(path, LockHolder(purpose: purpose)))
  }

  deinit {
    // The file stays: who takes the lock next writes over it.
    descriptor.withLock { if $0 >= 0 { Self.giveBack($0) } }
  }

  /// Removes the file, unless it is to stay, and gives the lock back. Once is enough.
  public func release(keepingFile: Bool = false) {
    descriptor.withLock { descriptor in
      guard descriptor >= 0 else { return }
      // In this order, so that nobody takes a lock on a file without a name.
      if !keepingFile { unsafe unlink(path) }
      Self.giveBack(descriptor)
      descriptor = -1
    }
  }

  /// A process that is being started has a copy of the descriptor until it becomes another program, and with it the lock,
  /// so closing alone would not end it at once.
  private static func giveBack(_ descriptor: Int32) {
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private static func take(_ path: String, _ holder: LockHolder) throws(StorageError) -> Int32 {
    for _ in 0..<1000 {
      let descriptor = retryingInterruption {
        unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o666)
      }
      guard descriptor >= 0 else { throw StorageError(cannot: "create", path, errno: errno) }
      do throws(StorageError) {
        if try take(descriptor, path, holder) { return descriptor }
      } catch {
        giveBack(descriptor)
        throw error
      }
      // Its last holder removed the file in between.
      giveBack(descriptor)
    }
    throw StorageError(.locked, "\(path) comes and goes; wait for the others that use it")
  }

  /// Whether the lock is taken; not if the file has lost its name.
  private static func take(_ descriptor: Int32, _ path: String, _ holder: LockHolder) throws(StorageError) -> Bool {
    var (own, named) = (stat(), stat())
    guard unsafe fstat(descriptor, &own) == 0 else { throw StorageError(cannot: "inspect", path, errno: errno) }
    guard own.st_mode & S_IFMT == S_IFREG else {
      throw StorageError(.notARegularFile, "cannot lock \(path): it is \(kindOfFile(own.st_mode)); remove it")
    }
    let isTaken = retryingInterruption { flock(descriptor, LOCK_EX | LOCK_NB) } == 0
    let number = errno
    let earlier = self.holder(in: descriptor)
    if !isTaken, number == EWOULDBLOCK {
      throw StorageError(.locked, "\(path) is held by \(earlier?.description ?? "another process")")
    }
    guard unsafe stat(path, &named) == 0, named.st_ino == own.st_ino, named.st_dev == own.st_dev else { return false }
    if let earlier, isTaken ? earlier.host != holder.host && !MountTable.current.sharesLocks(path) : true,
      earlier.host != holder.host || earlier.isAlive
    {
      throw StorageError(
        .locked,
        "\(path) says that \(earlier) holds it, and this file system does not share locks between hosts: if that is "
          + "over, remove the file")
    }
    try write(holder.text, to: descriptor, path)
    return true
  }

  private static func holder(in descriptor: Int32) -> LockHolder? {
    var bytes = [UInt8](repeating: 0, count: LockHolder.largestFile)
    let count = retryingInterruption { unsafe pread(descriptor, &bytes, bytes.count, 0) }
    return count > 0 ? LockHolder(text: String(decoding: bytes.prefix(count), as: UTF8.self)) : nil
  }

  /// In place, since the lock is the file's. What a kill tears is no holder.
  private static func write(_ text: String, to descriptor: Int32, _ path: String) throws(StorageError) {
    let bytes = Array(text.utf8)
    guard ftruncate(descriptor, 0) == 0,
      retryingInterruption({ unsafe pwrite(descriptor, bytes, bytes.count, 0) }) == bytes.count
    else { throw StorageError(cannot: "write", path, errno: errno) }
    _ = fsync(descriptor)
  }
}
