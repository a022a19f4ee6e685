/// What is wrong with a run document, a flag that overrides one of its keys, or a run's report.
///
/// `description` is one line: where (`run.yaml:LINE:COLUMN` or the flag), the dotted key, what was found, and what is
/// allowed.
public struct RunDocumentError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kinds of failure, for callers that choose an exit code.
  public enum Code: String, Sendable, Equatable, CaseIterable {
    /// The file cannot be opened or read.
    case unreadable
    /// More than ``RunDocument/maximumBytes``.
    case tooLarge
    /// Not UTF-8, or not YAML (a report: not JSON).
    case syntax
    /// YAML that a run document does not use: anchors, aliases, tags, several documents, deep nesting.
    case unsupported
    /// A key that no section has.
    case unknownKey
    /// A key given twice.
    case duplicateKey
    /// `model` is missing, or a key that the stage at hand needs.
    case missingKey
    /// A value of the wrong type or outside its range.
    case invalidValue
    /// Two values that are each allowed but not together.
    case conflict
  }

  /// The kind of failure.
  public let code: Code
  /// The whole message, one line.
  public let message: String

  /// An error of the kind `code`; line breaks in `message` become spaces.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = String(message.map { $0.isNewline ? " " : $0 })
  }

  public var description: String { message }
}
