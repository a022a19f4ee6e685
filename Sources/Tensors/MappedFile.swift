import Glibc

/// A regular file, mapped read-only.
///
/// Pages are read when they are touched, and the page cache shares them between the processes of a node. Symbolic links
/// are followed (a Hugging Face cache is made of them). The file must not be shortened while it is mapped: the system
/// answers a read past the new end with a signal, not with an error.
@safe public final class MappedFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// Bytes in the file.
  public let size: Int
  private nonisolated(unsafe) let base: UnsafeRawPointer?

  /// Opens and maps the file without reading it.
  ///
  /// - Throws: ``StorageError`` when `path` cannot be opened, or is no regular file. A pipe is refused without waiting
  ///   for its writer.
  public init(path: String) throws(StorageError) {
    // A path with a NUL would be cut there by the system, and so name another file.
    guard !path.utf8.contains(0) else {
      throw StorageError(.notFound, "cannot open \(path): the path holds a NUL character; check the path")
    }
    let descriptor = retryingInterruption { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
    guard descriptor >= 0 else {
      let number = errno
      if let problem = BrokenLink.problem(at: path) { throw StorageError(.notFound, "cannot open \(path): \(problem)") }
      throw StorageError(cannot: "open", path, errno: number)
    }
    // The mapping outlives the descriptor, and a model of many shards would use up the limit of open files.
    defer { close(descriptor) }

    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw StorageError(cannot: "inspect", path, errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StorageError(
        .notARegularFile, "cannot open \(path): it is \(kindOfFile(status.st_mode)); name a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    // An empty mapping is an error to the system.
    guard status.st_size > 0 else {
      unsafe self.base = nil
      return
    }
    let address = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw StorageError(cannot: "map", path, errno: errno)
    }
    unsafe self.base = UnsafeRawPointer(address)
  }

  deinit {
    if let base = unsafe base { unsafe munmap(UnsafeMutableRawPointer(mutating: base), size) }
  }

  /// The file's bytes.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      let buffer = unsafe UnsafeRawBufferPointer(start: base, count: size)
      return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), borrowing: self)
    }
  }
}

/// Repeats a system call while a signal interrupts it.
func retryingInterruption<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// What a file that is not a regular one is, in words.
func kindOfFile(_ mode: mode_t) -> String {
  switch mode & S_IFMT {
  case S_IFDIR: "a directory"
  case S_IFIFO: "a pipe"
  case S_IFCHR, S_IFBLK: "a device"
  case S_IFSOCK: "a socket"
  default: "no regular file"
  }
}
