/// A run that a signal ended after it had saved what was done.
public struct StoppedError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Such as `SIGTERM`'s number.
  public let signal: Int32
  /// What was saved, such as `score after layer 12`.
  public let saved: String

  package init(signal: Int32, saved: String) {
    self.signal = signal
    self.saved = saved
  }

  public var description: String { "stopped by signal \(signal); saved \(saved): the same command goes on from there" }
}
