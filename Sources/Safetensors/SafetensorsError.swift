internal import Tensors

/// What is wrong with a safetensors file, or with the request to write one, in one line.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for code that wants to tell them apart.
  public enum Code: Sendable, Equatable {
    /// The file cannot be opened or mapped; the message has the system's reason.
    case storage
    /// The file cannot be made or written; the message has the system's reason.
    case notWritten
    /// The file ends before its header does, or the header's length is impossible.
    case truncated
    /// The header is longer than ``SafetensorsFile/maximumHeaderBytes``.
    case headerTooLong
    /// The header is not the JSON that the format describes.
    case invalidHeader
    /// A name stands twice.
    case duplicateName
    /// An element type that Espalier does not know.
    case unknownElementType
    /// A shape whose elements cannot be counted.
    case invalidShape
    /// A tensor's bytes lie outside the file, overlap another's, leave a hole, or are not as many as its shape asks for.
    case invalidOffsets
    /// The file holds no tensor of that name.
    case missingTensor
    /// Tensors were not written as they were declared.
    case wrongOrder
  }

  public let code: Code
  /// One line: the file, the tensor and byte offset where there is one, and what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = OneLine.text(message)
  }

  init(_ error: StorageError) { self.init(.storage, error.message) }

  public var description: String { message }
}
