/// Why no plan could be made.
public struct AllocationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of fault, for callers that choose by it.
  public enum Code: Sendable, Equatable {
    /// Sparsity, gamma or round-to out of range.
    case invalidSetting
    /// The scores do not fit the model, or one is not finite, or the model's counts make no sense.
    case invalidInput
    /// The floors of every layer leave less to remove than was asked.
    case sparsityOutOfReach
  }

  public let code: Code
  /// One line: what, where, and what to do.
  public let message: String

  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
