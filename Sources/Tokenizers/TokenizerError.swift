/// What went wrong while a tokenizer was read or used; its ``description`` is one line for the user.
public struct TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for callers that react to it.
  public enum Code: Sendable, Equatable {
    /// The file cannot be opened or read, is no regular file, or is larger than ``Tokenizer/maximumFileSize``.
    case unreadableFile
    /// The file is not JSON (RFC 8259) in UTF-8.
    case malformedJSON
    /// A key is missing, has the wrong type, or contradicts another one.
    case invalidValue
    /// The file asks for something Espalier does not implement, as WordPiece or Metaspace.
    case unsupported
    /// A pattern gave up on a text: it ran into the limits set for PCRE2.
    case patternFailed
    /// An id that no token of the vocabulary has.
    case unknownID
    /// A text of 4 GiB or more, or one with combining marks without end.
    case textTooLong
  }

  public let code: Code
  /// One line: what, where, and what to do.
  public let message: String

  public var description: String { message }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// The file being read, as errors name it.
struct TokenizerFile: Sendable {
  let path: String

  func invalid(_ key: String, _ problem: String) -> TokenizerError {
    TokenizerError(.invalidValue, "\(path): \(key): \(problem); correct it there, or \(Self.tokens)")
  }

  func unsupported(_ key: String, _ what: String) -> TokenizerError {
    TokenizerError(
      .unsupported,
      "\(path): \(key): \(what) is not supported; Espalier reads byte-level BPE tokenizers, so \(Self.tokens)")
  }

  /// What works with every tokenizer.
  static let tokens = "tokenize with transformers and give texts as tokens (.safetensors with input_ids)"
}

/// `bytes` in quotes for a message: at most 40 characters, nothing that would break the line.
func quoted(_ bytes: some Collection<UInt8>) -> String {
  let text = String(decoding: bytes.prefix(160), as: UTF8.self)
  var shown = ""
  for scalar in text.unicodeScalars.prefix(40) {
    shown += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }
  let isCut = bytes.count > 160 || text.unicodeScalars.count > 40
  return "'\(shown)\(isCut ? "…" : "")'"
}
