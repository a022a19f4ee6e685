import Dispatch
import Synchronization

/// The result of a job that a `CommunicationThread` has not necessarily run yet.
public final class Pending<Value: Sendable>: Sendable {
  private let outcome = Mutex<Result<Value, any Error>?>(nil)
  private let settled = DispatchSemaphore(value: 0)

  init() {}

  /// Whether `wait` would return, or throw, at once.
  public var isSettled: Bool { outcome.withLock { $0 != nil } }

  /// Blocks until the job has run; gives what it returned or throws what it threw. It may be called more than once, and
  /// from several threads, but not from a job of the same `CommunicationThread`, which would wait for itself.
  public func wait() throws -> Value {
    while true {
      if let outcome = outcome.withLock({ $0 }) { return try outcome.get() }
      settled.wait()
      settled.signal()
    }
  }

  func settle(_ result: Result<Value, any Error>) {
    outcome.withLock { $0 = result }
    settled.signal()
  }
}
