import Communication
import Testing

/// Events of one rank, and how much of its broadcasts lay under computation.
@Suite struct TraceTests {
  @Test func eventsAreKeptInOrder() throws {
    let trace = Trace(capacity: 3)
    trace.beginStep("layer 0 forward")
    trace.beginStep("layer 1 forward")
    trace.record("broadcast layer 2", .broadcast, on: .communication, from: .now, bytes: 12)
    trace.endStep()
    trace.endStep()
    trace.record("score", .phase, on: .main, from: .now)
    let (events, dropped) = trace.recorded
    #expect(events.map(\.name) == ["layer 0 forward", "broadcast layer 2", "layer 1 forward"])
    #expect(dropped == 1 && events.allSatisfy { $0.start <= $0.end })
    #expect(events[1].track == .communication && events[1].bytes == 12 && events[0].category == .compute)
    #expect(events[0].end <= events[2].start)
  }

  /// A broadcast of 10 s, of which the main thread waited for the last 4 and before was in a collective call for 1.
  @Test(arguments: [true, false]) func overlap(broadcastIsFirst: Bool) {
    let trace = Trace()
    let now = ContinuousClock.now
    func broadcast() {
      trace.record("broadcast", .broadcast, on: .communication, from: now - .seconds(10))
    }
    if broadcastIsFirst { broadcast() }
    trace.record("await", .waiting, on: .main, from: now - .seconds(4))
    // What the communication thread waits for is no pause of the main thread, and layers are none either.
    trace.record("await ranks", .waiting, on: .communication, from: now - .seconds(9))
    trace.record("layer", .compute, on: .main, from: now - .seconds(9))
    if !broadcastIsFirst { broadcast() }
    let (all, hidden) = trace.broadcasts
    #expect(all >= .seconds(10) && all - hidden >= .seconds(4) && hidden >= .seconds(5))
  }

  /// Long calls are events with their bytes, short ones are none; results are the communicator's own.
  @Test func collectives() throws {
    let trace = Trace()
    let communicator = TracedCommunicator(SoloCommunicator(), trace: trace)
    #expect(communicator.rank == 0 && communicator.size == 1)
    #expect(try communicator.gather([1, 2]) == [[1, 2]])
    #expect(try communicator.exchange([[3]]) == [[3]])
    #expect(try communicator.sum(of: 2.5) == 2.5)
    #expect(try communicator.maximum(of: -1) == -1)
    #expect(trace.recorded.events.allSatisfy { $0.category == .collective && $0.track == .main })
    #expect(trace.broadcasts.all == .zero)
  }
}
