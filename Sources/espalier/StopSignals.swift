import Communication
import Foundation
import Glibc
import Synchronization

/// SIGTERM, SIGINT and SIGUSR1 ask a run to save what is done and to leave; a second one ends the process at once, and so
/// does a run that does not come to where it can leave.
///
/// The handler runs in whichever thread the system picks, among them those that libraries start before `main`, so that
/// blocking the signals everywhere is out of reach. It does nothing but write the signal's number to a pipe, which is
/// allowed in a handler; a thread reads it there and does what has to be done.
enum StopSignals {
  static let names = [SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGUSR1: "SIGUSR1"]

  /// The pipe's end that the handler writes to.
  private static let writeEnd = Atomic<Int32>(-1)

  /// Takes the signals over for the rest of the process's life; called once.
  ///
  /// - Parameters:
  ///   - first: what the first one does, on a thread of its own; gets its number, and gives the seconds that the run has.
  ///   - late: what is done when the process is still there by then.
  static func listen(
    _ first: @escaping @Sendable (_ signal: Int32) -> Double,
    late: @escaping @Sendable (_ signal: Int32, _ seconds: Double) -> Void
  ) {
    var ends: [Int32] = [-1, -1]
    // Without a pipe, signals end the process as they always did.
    guard unsafe pipe(&ends) == 0 else { return }
    let readEnd = ends[0]
    writeEnd.store(ends[1], ordering: .sequentiallyConsistent)
    let thread = Thread {
      guard let signal = next(readEnd) else { return }
      let seconds = first(signal)
      if !comes(readEnd, within: seconds) { late(signal, seconds) }
      if let second = next(readEnd) { _exit(128 + second) }
    }
    thread.name = "signals"
    thread.start()
    for signal in names.keys {
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { signal in
        let saved = errno
        var number = UInt8(truncatingIfNeeded: signal)
        _ = unsafe write(StopSignals.writeEnd.load(ordering: .relaxed), &number, 1)
        errno = saved
      }
      action.sa_flags = SA_RESTART
      _ = unsafe sigaction(signal, &action, nil)
    }
  }

  /// Whether a further signal comes in time.
  private static func comes(_ readEnd: Int32, within seconds: Double) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
      guard left > 0 else { return false }
      var waiting = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
      if unsafe poll(&waiting, 1, Int32(min(left.rounded(.up), 1e9))) > 0 { return true }
    }
  }

  /// The next signal's number; nil: there will be none.
  private static func next(_ readEnd: Int32) -> Int32? {
    var number: UInt8 = 0
    while true {
      let count = unsafe read(readEnd, &number, 1)
      if count == 1 { return Int32(number) }
      guard count < 0, errno == EINTR else { return nil }
    }
  }
}
