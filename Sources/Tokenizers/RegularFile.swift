import Glibc
import Tensors

/// Why a file could not be read; `message` says it without the path.
package struct RegularFileError: Error, Sendable {
  package let message: String
}

/// A regular file, open for reading from its start to its end.
///
/// Pipes, devices, sockets and folders are refused, so reading never blocks for a writer that does not come and never
/// goes on without end.
package struct RegularFile: ~Copyable {
  private let descriptor: CInt
  /// The size when the file was opened, in bytes.
  package let size: Int

  package init(path: String) throws(RegularFileError) {
    guard !path.utf8.contains(0) else { throw RegularFileError(message: "the path contains a NUL byte") }
    // Without O_NONBLOCK, opening a pipe waits for its writer.
    let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      let error = Self.lastError()
      if let problem = BrokenLink.problem(at: path) { throw RegularFileError(message: problem) }
      throw RegularFileError(message: "cannot be opened: \(error)")
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let error = Self.lastError()
      close(descriptor)
      throw RegularFileError(message: "cannot be examined: \(error)")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a pipe, socket or device"
      throw RegularFileError(message: "is \(kind), not a regular file")
    }
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills the start of `buffer` and returns how many bytes it put there; 0 only at the end of the file.
  package mutating func read(into buffer: inout [UInt8]) throws(RegularFileError) -> Int {
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
      }
      if count >= 0 { return count }
      if errno != EINTR { throw RegularFileError(message: "cannot be read: \(Self.lastError())") }
    }
  }

  /// The whole file, if it is no larger than `limit` bytes.
  package mutating func readAll(limit: Int) throws(RegularFileError) -> [UInt8] {
    let tooLarge = RegularFileError(message: "is larger than \(limit) bytes")
    guard size <= limit else { throw tooLarge }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try read(into: &buffer)
      if count == 0 { return bytes }
      // The file may have grown since it was opened.
      guard bytes.count + count <= limit else { throw tooLarge }
      bytes.append(contentsOf: buffer[..<count])
    }
  }

  private static func lastError() -> String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}
