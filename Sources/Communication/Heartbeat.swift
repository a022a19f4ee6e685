internal import Synchronization

/// Where this rank's main thread is, kept up by what it passes through and read by other threads: a watchdog that tells
/// other ranks, a signal's line, and the report, which tells computing from waiting.
public final class Heartbeat: Sendable {
  private struct State {
    var phases: [String] = []
    var beat = Beat()
    /// Communication calls that the main thread is in, one inside another.
    var depth = 0
    var waitStart = ContinuousClock.now
    var waited = Duration.zero
  }

  private let state = Mutex(State())

  /// A rank that has done nothing yet.
  public init() {}

  /// A phase begins, perhaps inside another.
  public func begin(_ phase: String) {
    state.withLock { state in
      state.phases.append(phase)
      state.beat.enter(phase)
    }
  }

  /// The innermost phase is over.
  public func end() {
    state.withLock { state in
      let last = state.phases.popLast() ?? ""
      state.beat.enter(state.phases.last ?? "")
      if state.phases.isEmpty { state.beat.lastPhase = last }
    }
  }

  /// Something got done.
  ///
  /// - Parameters:
  ///   - place: where in the model, such as `layer 12 of 30`; nil: where it was.
  ///   - progress: how far the phase is, such as `40 %` or `step 12 of 60`; nil: as far as it was.
  public func tick(place: String? = nil, progress: String? = nil) {
    state.withLock { state in
      state.beat.ticks &+= 1
      if let place { state.beat.place = place }
      if let progress { state.beat.progress = progress }
    }
  }

  /// The main thread goes into a call that waits for other ranks.
  public func beginWait() {
    state.withLock { state in
      state.depth += 1
      guard state.depth == 1 else { return }
      state.waitStart = .now
      state.beat.waits &+= 1
      state.beat.isWaiting = true
    }
  }

  /// The main thread comes out of a call that waits for other ranks.
  public func endWait() {
    state.withLock { state in
      state.depth -= 1
      guard state.depth == 0 else { return }
      state.waited += state.waitStart.duration(to: .now)
      state.beat.waits &+= 1
      state.beat.isWaiting = false
    }
  }

  /// Where the main thread is now.
  public var beat: Beat { state.withLock { $0.beat } }

  /// Seconds that the main thread has spent in calls that wait for other ranks, so far.
  public var waitedSeconds: Double {
    let (seconds, attoseconds) = state.withLock { $0.waited }.components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

/// Where a rank's main thread was at one moment, as ranks tell each other.
public struct Beat: Sendable, Equatable {
  /// The phase that goes on; empty between phases.
  public internal(set) var phase = ""
  /// Where in the model, such as `layer 12 of 30`; may be empty.
  public internal(set) var place = ""
  /// How far the phase is, such as `40 %`; may be empty.
  public internal(set) var progress = ""
  /// The phase that was over last, where none goes on; empty before the first.
  public internal(set) var lastPhase = ""
  /// Grows whenever something gets done.
  public internal(set) var ticks: UInt64 = 0
  /// Grows whenever the main thread goes into, or comes out of, a call that waits for other ranks.
  public internal(set) var waits: UInt64 = 0
  /// Whether the main thread is in such a call.
  public internal(set) var isWaiting = false
  /// Whether it is the last one, because the work is over.
  public internal(set) var isGoodbye = false

  /// Nothing has been done yet.
  public init() {}

  /// `phase score, layer 12 of 30, 40 %`.
  public var position: String {
    guard phase.isEmpty else {
      return ["phase \(phase)", place, progress].filter { !$0.isEmpty }.joined(separator: ", ")
    }
    return lastPhase.isEmpty ? "what precedes the first phase" : "what follows phase \(lastPhase)"
  }

  mutating func enter(_ phase: String) {
    self.phase = phase
    (place, progress) = ("", "")
    ticks &+= 1
  }
}
