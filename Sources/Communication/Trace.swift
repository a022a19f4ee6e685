import Synchronization

/// What a rank did when: events of its main thread and of its communication thread, to be looked at beside other ranks'.
///
/// Recording costs less than a microsecond and an array's element; from `capacity` events on further ones are only counted.
/// Besides, it adds up how much of the broadcasts lay under computation. Any thread may record.
public final class Trace: Sendable {
  /// The thread that an event is of.
  public enum Track: Int, Sendable, CaseIterable { case main, communication }

  /// What kind of work an event is, by which viewers color and filter.
  public enum Category: String, Sendable {
    case phase, compute, waiting
    case broadcast, collective
  }

  /// Something that took time.
  public struct Event: Sendable {
    public let name: String
    public let category: Category
    public let track: Track
    public let start: ContinuousClock.Instant
    public let end: ContinuousClock.Instant
    /// Bytes that it moved; 0 where it moved none.
    public let bytes: Int
  }

  fileprivate struct State {
    var events: [Event] = []
    var dropped = 0
    /// The step of the main thread that goes on.
    var step: (name: String, start: ContinuousClock.Instant)?
    /// Broadcasts that the main thread's next pause may have waited for.
    var recent: [(start: ContinuousClock.Instant, end: ContinuousClock.Instant)] = []
    var pauses: [(start: ContinuousClock.Instant, end: ContinuousClock.Instant)] = []
    var broadcast = Duration.zero
    var exposed = Duration.zero
  }

  private let state = Mutex(State())
  private let capacity: Int

  /// - Parameter capacity: events that are kept.
  public init(capacity: Int = 20_000) { self.capacity = capacity }

  /// All events kept, in the order in which they ended, and how many were not.
  public var recorded: (events: [Event], dropped: Int) { state.withLock { ($0.events, $0.dropped) } }

  /// Time in which layers were broadcast, and the part of it in which the main thread computed: it neither waited for
  /// weights nor was in a collective call itself.
  public var broadcasts: (all: Duration, underCompute: Duration) {
    state.withLock { ($0.broadcast, $0.broadcast - $0.exposed) }
  }

  /// Adds an event that has just ended.
  public func record(
    _ name: String, _ category: Category, on track: Track, from start: ContinuousClock.Instant, bytes: Int = 0
  ) {
    let event = Event(name: name, category: category, track: track, start: start, end: .now, bytes: bytes)
    state.withLock { state in
      state.keep(event, capacity: capacity)
      switch category {
      case .broadcast: state.addBroadcast(event.start, event.end)
      case .waiting where track == .main: state.addPause(event.start, event.end)
      case .collective where track == .main: state.addPause(event.start, event.end)
      default: break
      }
    }
  }

  /// Ends the main thread's step, and begins another, such as a layer's forward pass.
  public func beginStep(_ name: String) {
    endStep()
    state.withLock { $0.step = (name, .now) }
  }

  /// Ends the main thread's step, if one goes on.
  public func endStep() {
    state.withLock { state in
      guard let step = state.step else { return }
      state.step = nil
      state.keep(
        Event(name: step.name, category: .compute, track: .main, start: step.start, end: .now, bytes: 0),
        capacity: capacity)
    }
  }
}

extension Trace.State {
  /// Pauses and broadcasts to compare with: those that came before can no longer overlap with new ones.
  private static let mostRecent = 8

  fileprivate mutating func keep(_ event: Trace.Event, capacity: Int) {
    if events.count < capacity { events.append(event) } else { dropped += 1 }
  }

  fileprivate mutating func addBroadcast(_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant) {
    broadcast += start.duration(to: end)
    for pause in pauses { exposed += Self.common(pause, (start, end)) }
    recent = recent.suffix(Self.mostRecent - 1) + [(start, end)]
  }

  fileprivate mutating func addPause(_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant) {
    for broadcast in recent { exposed += Self.common(broadcast, (start, end)) }
    pauses = pauses.suffix(Self.mostRecent - 1) + [(start, end)]
  }

  private static func common(
    _ a: (start: ContinuousClock.Instant, end: ContinuousClock.Instant),
    _ b: (start: ContinuousClock.Instant, end: ContinuousClock.Instant)
  ) -> Duration {
    let (start, end) = (max(a.start, b.start), min(a.end, b.end))
    return start < end ? start.duration(to: end) : .zero
  }
}
