import Communication
import Testing

@Suite struct HeartbeatTests {
  @Test func positions() {
    let heartbeat = Heartbeat()
    #expect(heartbeat.beat == Beat() && heartbeat.beat.position == "what precedes the first phase")
    heartbeat.begin("tune")
    heartbeat.tick(progress: "step 3 of 60")
    heartbeat.tick(place: "layer 12 of 30")
    #expect(heartbeat.beat.position == "phase tune, layer 12 of 30, step 3 of 60")
    heartbeat.begin("score")
    #expect(heartbeat.beat.position == "phase score")
    heartbeat.end()
    #expect(heartbeat.beat.position == "phase tune")
    heartbeat.end()
    #expect(heartbeat.beat.position == "what follows phase tune")
  }

  @Test func everythingIsASignOfLife() {
    let heartbeat = Heartbeat()
    var seen: Set<[UInt64]> = []
    for act in [
      { heartbeat.begin("score") }, { heartbeat.tick() }, { heartbeat.beginWait() }, { heartbeat.endWait() },
      { heartbeat.end() },
    ] {
      act()
      seen.insert([heartbeat.beat.ticks, heartbeat.beat.waits])
    }
    #expect(seen.count == 5)
  }

  /// A call inside a call is one wait.
  @Test func waits() {
    let heartbeat = Heartbeat()
    heartbeat.beginWait()
    heartbeat.beginWait()
    heartbeat.endWait()
    #expect(heartbeat.beat.isWaiting && heartbeat.beat.waits == 1 && heartbeat.waitedSeconds == 0)
    heartbeat.endWait()
    #expect(!heartbeat.beat.isWaiting && heartbeat.beat.waits == 2 && heartbeat.waitedSeconds > 0)
  }

  @Test func coding() throws {
    let heartbeat = Heartbeat()
    heartbeat.begin("evaluate dense")
    for _ in 0..<300 { heartbeat.tick(place: "layer 12 of 30", progress: "40 %") }
    heartbeat.beginWait()
    let beat = heartbeat.beat
    #expect(beat.encoded.count == Beat.messageBytes)
    #expect(Beat(encoded: beat.encoded) == beat)
  }

  /// A name too long is cut, wherever that is.
  @Test func longNames() throws {
    let heartbeat = Heartbeat()
    heartbeat.begin(String(repeating: "ü", count: 100) + "\n")
    let beat = try #require(Beat(encoded: heartbeat.beat.encoded))
    #expect(beat.phase.hasPrefix("üüüü") && beat.phase.count < 50)
  }

  /// Whatever bytes come, a beat comes of them or none.
  @Test func damagedBytes() {
    var bytes = Beat().encoded
    #expect(Beat(encoded: []) == nil && Beat(encoded: bytes + [0]) == nil)
    bytes[17] = 255
    #expect(Beat(encoded: bytes) == nil)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<1000 {
      let random = (0..<Beat.messageBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
      guard let beat = Beat(encoded: random) else { continue }
      #expect(!beat.position.contains("\n"))
    }
  }
}
