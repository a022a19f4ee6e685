import Tokenizers

/// What went wrong between a text file and its token sequences; its ``description`` is one line for the user.
public struct CalibrationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for callers that react to it.
  public enum Code: Sendable, Equatable {
    /// The file cannot be opened or read, or is no regular file.
    case unreadableFile
    /// Compressed data end too early or are damaged.
    case damagedCompression
    /// More text than ``TextSource/maximumSize``, or a single document of more than ``TextSource/maximumDocumentSize``.
    case tooLarge
    /// The text is not UTF-8.
    case invalidUTF8
    /// A document is not JSON, or has none of the fields that make a text.
    case malformedDocument
    /// A file without any text.
    case empty
    /// Fewer tokens than asked for.
    case tooFewTokens
    /// Token ids that no model of this vocabulary and sequence length can read.
    case invalidIDs
    /// A length, count, window or stride that makes no sense.
    case invalidArgument
    /// Logits that are NaN or infinite.
    case notFinite
    /// The tokenizer refused a text.
    case tokenizer
  }

  public let code: Code
  /// One line: what, where, and what to do.
  public let message: String

  public var description: String { message }

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// A tokenizer's error about a text of the file at `path`.
  init(_ error: TokenizerError, reading path: String) { self.init(.tokenizer, "\(path): \(error.message)") }
}
