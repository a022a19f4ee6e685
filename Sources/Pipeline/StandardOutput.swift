internal import Glibc
public import Tensors

/// Standard output, which may be a file on a full disk: a failed write is an error, not a silent loss.
public final class StandardOutput {
  private var pending: [UInt8] = []
  private static let bufferBytes = 1 << 16

  public init() {}

  /// Writes a text, with a line break at its end, and everything before it.
  ///
  /// - Throws: ``StorageError`` with the system's reason.
  public func write(_ text: String) throws(StorageError) {
    pending += Array(text.utf8)
    if pending.last != UInt8(ascii: "\n") { pending.append(UInt8(ascii: "\n")) }
    try flush()
  }

  /// Writes a line, sooner or later.
  func line(_ text: String) throws(StorageError) {
    pending += Array(text.utf8)
    pending.append(UInt8(ascii: "\n"))
    if pending.count >= Self.bufferBytes { try flush() }
  }

  /// Writes all lines that wait.
  func flush() throws(StorageError) {
    var done = 0
    while done < pending.count {
      let count = unsafe pending[done...].withUnsafeBytes {
        unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw StorageError(cannot: "write to", "standard output", errno: errno) }
      done += count
    }
    pending = []
  }
}
