internal import Synchronization

/// Whether somebody asked this process to end, as by a signal. Any thread asks and looks.
public final class StopRequest: Sendable {
  private let number = Atomic<Int32>(0)

  /// Not asked yet.
  public init() {}

  /// Asks; the first signal that asked is the one that counts.
  public func ask(signal: Int32) {
    precondition(signal > 0, "signals have positive numbers")
    _ = number.compareExchange(expected: 0, desired: signal, ordering: .sequentiallyConsistent)
  }

  /// The signal that asked this process to end; nil: none did.
  public var signal: Int32? {
    let signal = number.load(ordering: .sequentiallyConsistent)
    return signal == 0 ? nil : signal
  }
}
