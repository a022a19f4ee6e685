/// What went wrong between ranks, in one line.
public struct CommunicationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for callers that choose an exit code by it.
  public enum Code: Sendable, Equatable {
    /// A call of the message library returned an error. The communicator is unusable afterwards: abort the job.
    case library
    /// The job was started wrongly: too few processes see each other, or the library lacks thread support.
    case launch
    /// Ranks hold different values of something that must be the same everywhere.
    case disagreement
    /// A root rank, length or message that no rank could act on.
    case invalidArgument
    /// A gradient, a sum of gradients, a loss, or what a step made of them is infinite or NaN. All ranks throw the same error.
    case notFinite
    /// A message came in other than it was sent. All ranks throw the same error.
    case damaged
    /// A job was handed to a `CommunicationThread` that has been shut down.
    case shutDown
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
