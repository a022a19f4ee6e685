internal import Dispatch
internal import Foundation
internal import Synchronization

/// A thread on every rank that tells where the rank's main thread is, and on rank 0 judges who is late (DESIGN §3.3).
///
/// Every rank sends a beat to rank 0 about once a second, and rank 0 one to every other, which takes it for late when it
/// is silent: rank 1 first, and each further rank two seconds after the one before, so that one of them speaks. Nothing
/// but these small messages is added to a run.
public final class Watchdog: Sendable {
  private let thread = WatchdogThread()

  /// Starts watching.
  ///
  /// - Parameters:
  ///   - limit: seconds after which a rank is late.
  ///   - hosts: the host of every rank, by rank.
  ///   - channel: to the other ranks; nil: there are none.
  ///   - late: ends the job; called at most once, on this class's thread.
  public init(
    _ heartbeat: Heartbeat, limit: Double, hosts: [String], channel: (any BeatChannel)?,
    late: @escaping @Sendable (_ line: String) -> Void
  ) {
    precondition(limit > 0, "a limit is a time")
    let rounds = WatchdogRounds(heartbeat, limit: limit, channel: channel)
    thread.start(rounds) { late($0.line(hosts: hosts)) }
  }

  /// Ends watching, once all ranks have come to this. Collective, and to be called once.
  public func stop() {
    thread.isStopping.store(true, ordering: .releasing)
    thread.wake.signal()
    thread.finished.wait()
  }
}

/// What the thread and its owner share.
private final class WatchdogThread: Sendable {
  let isStopping = Atomic(false)
  let wake = DispatchSemaphore(value: 0)
  let finished = DispatchSemaphore(value: 0)

  func start(_ rounds: WatchdogRounds, late: @escaping @Sendable (Lateness) -> Void) {
    let thread = Thread { [self] in
      var rounds = rounds
      do throws(CommunicationError) {
        while !rounds.isOver {
          _ = wake.wait(timeout: .now() + rounds.pause)
          guard let lateness = try rounds.look(isStopping: isStopping.load(ordering: .acquiring)) else { continue }
          late(lateness)
          break
        }
      } catch {
        // The links are gone: the main thread comes to know it from its own calls.
      }
      finished.signal()
    }
    thread.name = "watchdog"
    thread.start()
  }
}

/// One look after another: what the thread does between its pauses.
private struct WatchdogRounds: Sendable {
  private let heartbeat: Heartbeat
  private let channel: (any BeatChannel)?
  private let interval: Double
  private let clock = SuspendingClock()
  private let start: SuspendingClock.Instant
  private var judge: LatenessJudge
  private var isStopping = false
  /// Ranks that have not said goodbye yet.
  private var present: Set<Int>
  /// Ranks that this one has still to say goodbye to.
  private var unparted: Set<Int>
  private var lastSent = -Double.infinity
  private(set) var isOver = false

  init(_ heartbeat: Heartbeat, limit: Double, channel: (any BeatChannel)?) {
    self.heartbeat = heartbeat
    self.channel = channel
    interval = min(1, limit / 5)
    start = clock.now
    let (rank, size) = (channel?.rank ?? 0, channel?.size ?? 1)
    judge =
      rank == 0
      ? LatenessJudge(ranks: 0..<size, limit: limit, interval: interval, checksProgress: true, now: 0)
      : LatenessJudge(
        ranks: [0], limit: limit + 2 * Double(rank - 1), interval: interval, checksProgress: false, now: 0)
    present = rank == 0 ? Set(1..<size) : [0]
    unparted = present
  }

  /// Until the next look. When the work is over the ranks part without delay.
  var pause: Double { isStopping ? 0.002 : interval }

  mutating func look(isStopping: Bool) throws(CommunicationError) -> Lateness? {
    self.isStopping = isStopping
    let elapsed = start.duration(to: clock.now).components
    let now = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    var beat = heartbeat.beat
    while let (rank, beat) = try channel?.receive() {
      judge.heard(beat, from: rank, at: now)
      if beat.isGoodbye { present.remove(rank) }
    }
    // Rank 0 says goodbye once everyone has to it, so that no message is left behind.
    let isFirst = channel?.rank ?? 0 == 0
    beat.isGoodbye = isStopping && (!isFirst || present.isEmpty)
    if isFirst { judge.heard(beat, from: 0, at: now) }
    if let channel {
      if beat.isGoodbye || now - lastSent > interval / 2 {
        lastSent = now
        for peer in unparted.sorted() where try channel.send(beat, to: peer) && beat.isGoodbye { unparted.remove(peer) }
      }
      let isIdle = try channel.isIdle()
      isOver = isStopping && present.isEmpty && unparted.isEmpty && isIdle
    } else {
      isOver = isStopping
    }
    return isOver ? nil : judge.verdict(at: now)
  }
}
