import Communication
import Dispatch
import Foundation
import Synchronization
import Testing

/// The thread itself, in real time, on one process.
@Suite struct WatchdogTests {
  /// A channel between ranks of one process.
  private final class Wire: Sendable {
    let messages: Mutex<[[(rank: Int, beat: Beat)]]>
    init(_ size: Int) { messages = Mutex(Array(repeating: [], count: size)) }
  }

  private struct End: BeatChannel {
    let wire: Wire
    let rank: Int
    let size: Int

    func send(_ beat: Beat, to peer: Int) throws(CommunicationError) -> Bool {
      let encoded = beat.encoded
      wire.messages.withLock { messages in
        if let beat = Beat(encoded: encoded) { messages[peer].append((rank, beat)) }
      }
      return true
    }

    func receive() throws(CommunicationError) -> (rank: Int, beat: Beat)? {
      wire.messages.withLock { $0[rank].isEmpty ? nil : $0[rank].removeFirst() }
    }

    func isIdle() throws(CommunicationError) -> Bool { true }
  }

  /// All ranks part, and none is left waiting.
  @Test func stopsWhenAllHaveCome() {
    let wire = Wire(3)
    let watchdogs = (0..<3).map { rank in
      Watchdog(
        Heartbeat(), limit: 600, hosts: ["a", "b", "c"], channel: End(wire: wire, rank: rank, size: 3),
        late: { Issue.record("\($0)") })
    }
    // Each waits for the others, on a thread of its own.
    let finished = DispatchSemaphore(value: 0)
    for watchdog in watchdogs {
      Thread {
        watchdog.stop()
        finished.signal()
      }.start()
    }
    for _ in watchdogs { finished.wait() }
    #expect(wire.messages.withLock { $0.allSatisfy(\.isEmpty) })
  }

  @Test func aloneItStopsAtOnce() {
    let watchdog = Watchdog(Heartbeat(), limit: 600, hosts: ["a"], channel: nil, late: { Issue.record("\($0)") })
    watchdog.stop()
  }

  /// A process alone that gets nothing done.
  @Test func aloneItTellsOfAStuckThread() async {
    let heartbeat = Heartbeat()
    heartbeat.begin("score")
    let line = await withCheckedContinuation { continuation in
      let watchdog = Watchdog(heartbeat, limit: 0.1, hosts: ["node"], channel: nil) {
        continuation.resume(returning: $0)
      }
      _ = watchdog
    }
    #expect(line.hasPrefix("rank 0 on node got nothing done for 0.1 s in phase score"))
  }

  /// Rank 0 does not answer: rank 1 tells of it.
  @Test func rankZeroIsWatchedToo() async {
    let wire = Wire(2)
    let line = await withCheckedContinuation { continuation in
      let watchdog = Watchdog(
        Heartbeat(), limit: 0.1, hosts: ["a", "b"], channel: End(wire: wire, rank: 1, size: 2)
      ) { continuation.resume(returning: $0) }
      _ = watchdog
    }
    #expect(line.hasPrefix("rank 0 on a silent for 0.1 s"))
  }
}
