import Communication
import Foundation
import Glibc
import MPICommunication
import Pipeline
import Synchronization

/// What looks after a run beside its main thread: the signals that ask it to leave, and the watchdog that ends it when a
/// rank is late.
final class RunWatch: Sendable {
  let heartbeat = Heartbeat()
  let stopRequest = StopRequest()
  /// Whether this rank is on its way out: the launcher's signal that answers it is no news.
  private let isEnding = Atomic(false)
  /// Whether ranks have come together.
  private let hasStarted = Atomic(false)
  /// `resources.stop-within`.
  private let stopSeconds = Atomic(60)

  /// Answers signals from now on: while inputs are read by leaving, for nothing is lost; afterwards by asking the run.
  func listen() {
    StopSignals.listen(
      { [self] signal in
        let rank = MPISession.environmentRank ?? 0
        let name = Self.name(signal)
        let beat = heartbeat.beat
        let isReading = beat == Beat()
        stopRequest.ask(signal: signal)
        // Two speak: where one was killed, the launcher's signal makes the other tell how far the run was.
        if rank < 2, !isEnding.load(ordering: .sequentiallyConsistent) {
          let position = isReading ? "while inputs are read" : "in \(beat.position)"
          let answer = isReading ? "leaving" : "saving, then leaving (a second one leaves at once)"
          Launch.write("espalier: \(rank == 0 ? "" : "rank \(rank): ")\(name) \(position): \(answer)")
        }
        if isReading { _exit(ExitCode.stopped) }
        // Rank 0 speaks for all; others, should it not have got the signal.
        return Double(stopSeconds.load(ordering: .relaxed)) + min(2, Double(rank))
      }, late: leaveByForce)
  }

  /// Ends this process, and with it all ranks, when a signal was not followed in time.
  private func leaveByForce(_ signal: Int32, _ seconds: Double) {
    guard !isEnding.load(ordering: .sequentiallyConsistent) else { return }
    let place = MPISession.environmentRank.map { " on rank \($0)" } ?? ""
    Launch.write(
      "espalier: error\(place): \(Self.name(signal)) was \(Int(seconds)) s ago, and \(heartbeat.beat.position) does not come "
        + "to where it can save: ended without; what was saved before stays, and the same command goes on from there; "
        + "a longer resources.stop-within waits longer")
    _exit(ExitCode.stopped)
  }

  private static func name(_ signal: Int32) -> String { StopSignals.names[signal] ?? "signal \(signal)" }

  /// How long a run may take to leave.
  func stop(within seconds: Int) { stopSeconds.store(seconds, ordering: .relaxed) }

  /// Says nothing of signals from now on: the run has come to its end, and has told how.
  func end() { isEnding.store(true, ordering: .sequentiallyConsistent) }

  /// Ends all ranks by force.
  func abort(_ communicator: any Communicator, code: Int32) -> Never {
    end()
    communicator.abort(code: code)
  }

  /// Ends the job when ranks have not come together `limit` seconds from now: one still reads its inputs, or was stopped.
  /// Which one, nobody can know before. nil: no limit.
  func expectStart(within limit: Int?) {
    guard let limit, let rank = MPISession.environmentRank else { return }
    let timer = Thread { [self] in
      // Rank 0 speaks; the next ones should rank 0 be the one that does not come.
      Thread.sleep(forTimeInterval: Double(limit) + min(2, Double(rank)) * 2)
      guard !hasStarted.load(ordering: .sequentiallyConsistent), !isEnding.load(ordering: .sequentiallyConsistent)
      else { return }
      let host = ProcessInfo.processInfo.hostName
      Launch.write(
        "espalier: watchdog: not all ranks came within \(limit) s, seen from rank \(rank) on \(host): one still reads its "
          + "inputs (loading), or was stopped; look for it, or raise resources.watchdog")
      _exit(ExitCode.late)
    }
    timer.name = "start"
    timer.start()
  }

  /// Starts the watchdog. Collective.
  ///
  /// - Parameters:
  ///   - limit: seconds; nil: no watchdog.
  ///   - session: nil for a process alone.
  func start(_ limit: Int?, _ communicator: any Communicator, _ session: MPISession?) throws -> Watchdog? {
    try communicator.requireAgreement(on: "resources.watchdog", digest: limit.map { "\($0)" } ?? "off")
    hasStarted.store(true, ordering: .sequentiallyConsistent)
    guard let limit else { return nil }
    let hosts = try communicator.hostLayout().hostNames
    return Watchdog(heartbeat, limit: Double(limit), hosts: hosts, channel: try session?.beatChannel()) {
      [self] line in
      Launch.write("espalier: watchdog: \(line)")
      // A process alone ends here, without what its main thread may be in the midst of.
      guard session != nil else { _exit(ExitCode.late) }
      abort(communicator, code: ExitCode.late)
    }
  }
}
