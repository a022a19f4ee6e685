import Glibc

/// What went wrong with a file or with a tensor's storage, in one line.
public struct StorageError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for code that wants to tell them apart.
  public enum Code: Sendable, Equatable {
    /// The file, or the folder it should be in, does not exist.
    case notFound
    /// The path names a directory, a pipe, a device or a socket.
    case notARegularFile
    /// The system refuses access.
    case permissionDenied
    /// The disk or the quota is full.
    case noSpace
    /// The file system is mounted read-only.
    case readOnly
    /// Any other failure of a system call.
    case inputOutput
    /// The number of bytes or elements is not what shape and element type ask for.
    case sizeMismatch
    /// A range lies outside the file or the tensor.
    case outOfBounds
    /// Elements of this type do not convert as asked.
    case unsupportedElementType
    /// An element is infinite or NaN.
    case notFinite
    /// The file was already committed or discarded.
    case closed
    /// Another process holds the file's lock.
    case locked
  }

  public let code: Code
  /// One line: what, where, and what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = OneLine.text(message)
  }

  public var description: String { message }

  /// The failure of a system call on `path`: `cannot ACTION PATH: ERRNO TEXT; ADVICE`.
  ///
  /// - Parameter number: the call's errno, read before anything else could change it.
  package init(cannot action: String, _ path: String, errno number: Int32) {
    let code: Code
    let advice: String
    switch number {
    case ENOENT, ENOTDIR:
      (code, advice) = (.notFound, "check the path")
    case EACCES, EPERM:
      (code, advice) = (.permissionDenied, "check the permissions")
    case ENOSPC, EDQUOT:
      (code, advice) = (.noSpace, "free space there or name another folder")
    case EROFS:
      (code, advice) = (.readOnly, "name a folder that can be written")
    case EISDIR, ENXIO, ENODEV:
      (code, advice) = (.notARegularFile, "name a regular file")
    case EMFILE, ENFILE:
      (code, advice) = (.inputOutput, "raise the limit of open files (ulimit -n)")
    case ENOMEM:
      (code, advice) = (.inputOutput, "raise the limit of address space (ulimit -v)")
    case EFBIG:
      (code, advice) = (.inputOutput, "raise the limit of file size (ulimit -f)")
    case ENAMETOOLONG:
      (code, advice) = (.inputOutput, "choose a shorter name")
    default:
      (code, advice) = (.inputOutput, "check the disk and its mount")
    }
    self.init(code, "cannot \(action) \(path): \(Self.text(ofErrno: number)); \(advice)")
  }

  /// The system's text for `number`, such as `No space left on device`.
  package static func text(ofErrno number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
