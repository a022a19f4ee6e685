internal import Dispatch
internal import Foundation

/// A time after which something happens that the main thread, which may hang, cannot do.
public enum Deadline {
  /// Runs `body`, and calls `late` on a thread of its own when it is not over within `seconds`.
  public static func run<Value>(
    within seconds: Double, late: @escaping @Sendable () -> Void, _ body: () throws -> Value
  ) rethrows -> Value {
    let over = DispatchSemaphore(value: 0)
    let thread = Thread {
      if over.wait(timeout: .now() + seconds) == .timedOut { late() }
    }
    thread.name = "deadline"
    thread.start()
    defer { over.signal() }
    return try body()
  }
}
