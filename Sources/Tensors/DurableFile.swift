import Glibc
import Synchronization

/// A file being written that never stands torn under its final name.
///
/// Bytes go to a hidden temporary file in the same folder. ``commit()`` makes them durable: fsync, rename, fsync of the
/// folder. Without a commit the temporary file is removed when the value goes away; only a kill leaves it behind, under
/// a name that ``isTemporaryName(_:)`` knows.
public struct DurableFile: ~Copyable, Sendable {
  /// The final path.
  public let path: String
  /// Bytes appended so far.
  public private(set) var byteCount = 0
  private let temporaryPath: String
  private var descriptor: Int32

  private static let counter = Atomic<Int>(0)

  /// Opens the temporary file beside `path`.
  ///
  /// - Throws: ``StorageError`` when the folder is not there or cannot be written, or when `path` is something that a
  ///   rename should not replace, such as a directory or a device.
  public init(path: String) throws(StorageError) {
    let (folder, name) = DurableFile.split(path)
    guard !name.isEmpty, name != ".", name != "..", !path.utf8.contains(0) else {
      throw StorageError(.notARegularFile, "cannot write \(path): it is no file name; name a regular file")
    }
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw StorageError(
        .notARegularFile, "cannot write \(path): it is \(kindOfFile(status.st_mode)); name a regular file")
    }
    // Hosts that share a folder may share process numbers, and a killed process leaves its file: take the next free one.
    var opened: Int32 = -1
    var temporaryPath = ""
    for _ in 0..<1000 {
      let serial = DurableFile.counter.add(1, ordering: .relaxed).newValue
      temporaryPath = "\(folder)/.\(name.prefix(60))\(DurableFile.marker)\(getpid())-\(serial)"
      opened = retryingInterruption { unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
      if opened >= 0 || errno != EEXIST { break }
    }
    guard opened >= 0 else { throw StorageError(cannot: "create a file for", path, errno: errno) }
    self.path = path
    self.temporaryPath = temporaryPath
    self.descriptor = opened
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unsafe unlink(temporaryPath)
    }
  }

  /// Appends `bytes`, however many.
  ///
  /// - Throws: ``StorageError`` naming the path and the system's reason, such as a full disk; the temporary file is then
  ///   already removed.
  public mutating func append(_ bytes: RawSpan) throws(StorageError) {
    try requireOpen()
    // The system writes at most 2 GiB at once, and may write less than it is given.
    let limit = 1 << 30
    var offset = 0
    while offset < bytes.byteCount {
      let part = bytes.extracting(offset..<min(bytes.byteCount, offset + limit))
      let target = descriptor
      let written = unsafe part.withUnsafeBytes { part in
        retryingInterruption { unsafe Glibc.write(target, part.baseAddress, part.count) }
      }
      guard written > 0 else { throw fail("write", errno: written == 0 ? ENOSPC : errno) }
      offset += written
      byteCount += written
    }
  }

  /// Appends `bytes`.
  ///
  /// - Throws: ``StorageError`` as ``append(_:)-(RawSpan)``.
  public mutating func append(_ bytes: [UInt8]) throws(StorageError) {
    try append(unsafe bytes.span.bytes)
  }

  /// Makes the file durable and gives it its name, replacing a file of that name. Nothing can be appended afterwards.
  ///
  /// - Throws: ``StorageError`` when a step fails; unless it was the folder's fsync, the final name is then untouched.
  public mutating func commit() throws(StorageError) {
    try requireOpen()
    guard retryingInterruption({ fsync(descriptor) }) == 0 else { throw fail("write", errno: errno) }
    let closing = descriptor
    descriptor = -1
    // Network file systems report a full quota only here. Closing is never repeated: the descriptor is gone either way.
    guard close(closing) == 0 || errno == EINTR else {
      let number = errno
      unsafe unlink(temporaryPath)
      throw StorageError(cannot: "write", path, errno: number)
    }
    guard unsafe rename(temporaryPath, path) == 0 else {
      let number = errno
      unsafe unlink(temporaryPath)
      throw StorageError(cannot: "rename a file to", path, errno: number)
    }
    try DurableFile.synchronize(folder: DurableFile.split(path).folder)
  }

  /// Writes a whole small file durably.
  ///
  /// - Throws: ``StorageError`` naming the path and the system's reason.
  public static func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
    var file = try DurableFile(path: path)
    try file.append(bytes)
    try file.commit()
  }

  /// Whether `name` is one that a killed process's temporary file has.
  public static func isTemporaryName(_ name: String) -> Bool {
    guard name.hasPrefix("."), let start = name.ranges(of: marker).last else { return false }
    return name[start.upperBound...].allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-") }
  }

  /// Makes creations, renames and removals in `folder` durable.
  ///
  /// - Throws: ``StorageError`` when the folder cannot be opened or synchronised. File systems that do not synchronise
  ///   folders are let be.
  public static func synchronize(folder: String) throws(StorageError) {
    let descriptor = retryingInterruption { unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw StorageError(cannot: "open the folder", folder, errno: errno) }
    defer { close(descriptor) }
    guard retryingInterruption({ fsync(descriptor) }) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw StorageError(cannot: "write the folder", folder, errno: errno)
    }
  }

  private static let marker = ".partial-"

  /// The folder of `path` (`.` where it names none) and the last component.
  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  private func requireOpen() throws(StorageError) {
    guard descriptor >= 0 else {
      throw StorageError(.closed, "cannot write \(path): the file is already closed; write it again from the start")
    }
  }

  /// Closes and removes the temporary file after a failure, and says what it was.
  private mutating func fail(_ action: String, errno number: Int32) -> StorageError {
    close(descriptor)
    descriptor = -1
    unsafe unlink(temporaryPath)
    return StorageError(cannot: action, path, errno: number)
  }
}
