import Communication
import Testing

/// Who is late, given beats and times, without a clock.
@Suite struct LatenessJudgeTests {
  /// A rank's heartbeat that a test drives.
  final class Rank {
    let heartbeat = Heartbeat()
    var isSilent = false

    init(_ phase: String = "score") { heartbeat.begin(phase) }
  }

  /// Lets beats come every second until somebody is late or time is over; `act` says what ranks do at each second.
  static func watch(
    _ ranks: [Rank], seconds: Int, limit: Double = 10, checksProgress: Bool = true,
    act: (_ second: Int) -> Void
  ) -> (second: Int, lateness: Lateness)? {
    var judge = LatenessJudge(
      ranks: ranks.indices, limit: limit, interval: 1, checksProgress: checksProgress, now: 0)
    for second in 1...seconds {
      act(second)
      for (number, rank) in ranks.enumerated() where !rank.isSilent {
        judge.heard(rank.heartbeat.beat, from: number, at: Double(second))
      }
      if let lateness = judge.verdict(at: Double(second)) { return (second, lateness) }
    }
    return nil
  }

  @Test func nobodyIsLateWhereEverybodyGetsOn() {
    let ranks = [Rank(), Rank(), Rank()]
    // One ticks, one only goes from wait to wait, one waits for them all the time.
    ranks[2].heartbeat.beginWait()
    let late = Self.watch(ranks, seconds: 100) { second in
      if second % 9 == 0 { ranks[0].heartbeat.tick() }
      if second % 9 == 1 { ranks[1].heartbeat.beginWait() }
      if second % 9 == 2 { ranks[1].heartbeat.endWait() }
    }
    #expect(late == nil)
  }

  @Test(arguments: [0, 1, 2]) func aSilentRankIsNamed(silent: Int) {
    let ranks = [Rank(), Rank(), Rank()]
    ranks[silent].heartbeat.tick(place: "layer 3 of 7")
    let late = Self.watch(ranks, seconds: 100) { second in
      ranks[silent].isSilent = second > 5
      for rank in ranks where !rank.isSilent { rank.heartbeat.tick() }
    }
    #expect(late?.second == 16)
    #expect(late?.lateness.kind == .silent && late?.lateness.ranks == [silent])
    #expect(
      late?.lateness.line(hosts: ["a", "b", "c"]).hasPrefix(
        "rank \(silent) on \(["a", "b", "c"][silent]) silent for 10 s, last in phase score, layer 3 of 7; ") == true)
  }

  /// A host that goes takes all its ranks.
  @Test func silentRanksOfOneHostAreNamedTogether() {
    let ranks = (0..<4).map { _ in Rank() }
    let late = Self.watch(ranks, seconds: 100) { second in
      ranks[2].isSilent = second > 5
      ranks[3].isSilent = second > 6
      for rank in ranks where !rank.isSilent { rank.heartbeat.tick() }
    }
    #expect(late?.lateness.ranks == [2, 3])
    #expect(late?.lateness.line(hosts: ["a", "a", "b", "b"]).hasPrefix("ranks 2-3 on b silent for 10 s") == true)
  }

  /// The others wait for it, and are not late.
  @Test func aRankThatGetsNothingDoneIsNamed() {
    let ranks = [Rank(), Rank("repack"), Rank()]
    ranks[1].heartbeat.tick(progress: "40 %")
    let late = Self.watch(ranks, seconds: 100) { second in
      if second == 2 { for rank in [0, 2] { ranks[rank].heartbeat.beginWait() } }
    }
    #expect(late?.second == 12)
    #expect(late?.lateness.kind == .idle && late?.lateness.ranks == [1])
    #expect(
      late?.lateness.line(hosts: ["a", "b", "c"]).hasPrefix(
        "rank 1 on b got nothing done for 10 s in phase repack, 40 %; ") == true)
  }

  @Test func ranksThatWaitForEachOtherAreADeadlock() {
    let ranks = [Rank(), Rank("tune")]
    let late = Self.watch(ranks, seconds: 100) { second in
      if second == 3 { ranks[0].heartbeat.beginWait() }
      if second == 7 { ranks[1].heartbeat.beginWait() }
    }
    #expect(late?.second == 18)
    #expect(late?.lateness.kind == .deadlock && late?.lateness.ranks == [0, 1])
    let line = late?.lateness.line(hosts: ["a", "b"]) ?? ""
    #expect(line.contains("(rank 0 in phase score; rank 1 in phase tune)") && line.contains("between a, b"))
  }

  /// What rank 1 knows of rank 0: that it is there.
  @Test func aDeputyJudgesSilenceAlone() {
    let rank = Rank()
    #expect(Self.watch([rank], seconds: 100, checksProgress: false) { _ in } == nil)
    let late = Self.watch([rank], seconds: 100, checksProgress: false) { second in rank.isSilent = second > 5 }
    #expect(late?.lateness.kind == .silent)
  }

  /// A rank alone waits for nobody.
  @Test func aSingleRankIsJudgedByWhatItGetsDone() {
    let rank = Rank()
    #expect(Self.watch([rank], seconds: 100) { if $0 % 9 == 0 { rank.heartbeat.tick() } } == nil)
    #expect(Self.watch([rank], seconds: 100) { _ in }?.lateness.kind == .idle)
  }

  @Test func whoSaysGoodbyeIsNotJudged() throws {
    var judge = LatenessJudge(ranks: 0..<2, limit: 10, interval: 1, checksProgress: true, now: 0)
    let rank = Rank()
    var bytes = Beat().encoded
    bytes[0] = 2
    judge.heard(try #require(Beat(encoded: bytes)), from: 1, at: 1)
    for second in 1...30 {
      rank.heartbeat.tick()
      judge.heard(rank.heartbeat.beat, from: 0, at: Double(second))
      #expect(judge.verdict(at: Double(second)) == nil)
    }
  }

  /// A judge that was stopped itself does not blame the others for what it did not read.
  @Test func aJudgeThatSleptBlamesNobody() {
    var judge = LatenessJudge(ranks: 0..<2, limit: 10, interval: 1, checksProgress: true, now: 0)
    let ranks = [Rank(), Rank()]
    for second in [1, 2, 3, 1000, 1001, 1002] {
      for (number, rank) in ranks.enumerated() {
        rank.heartbeat.tick()
        if second != 1000 { judge.heard(rank.heartbeat.beat, from: number, at: Double(second)) }
      }
      #expect(judge.verdict(at: Double(second)) == nil, "\(second)")
    }
    for second in 1003...1013 { #expect((judge.verdict(at: Double(second)) != nil) == (second == 1013)) }
  }
}
