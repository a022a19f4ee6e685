import Artifacts
import Testing

/// Slow ranks where ranks have unequal shares of the work.
@Suite struct StragglerShareTests {
  private func straggler(_ computing: [Double], _ shares: [Double]?) -> RunReport.Straggler? {
    RunReport.Straggler(computing: computing, hosts: computing.map { _ in "h" }, shares: shares)
  }

  /// One shard for two ranks: who writes it is not slow.
  @Test func onlyOneHadWork() {
    #expect(straggler([40, 0.06], nil)?.rank == 0)
    #expect(straggler([40, 0.06], [5e9, 0]) == nil)
    #expect(straggler([40, 0.06, 0.05], [5e9, 0, 0]) == nil)
  }

  /// Two shards take twice as long as one.
  @Test func unequalShares() {
    #expect(straggler([40, 20, 21], [2, 1, 1]) == nil)
    #expect(straggler([20, 40, 40], [1, 2, 2]) == nil)
    #expect(straggler([40, 20, 21, 0], [1, 1, 1, 0])?.rank == 0)
  }

  /// The lower of both ratios is told.
  @Test func slowForItsShare() throws {
    let slow = try #require(straggler([80, 20, 20], [2, 1, 1]))
    #expect(slow.rank == 0 && abs(slow.ratio - 2) < 1e-9)
    #expect(straggler([30, 20, 20], [1, 1, 1])?.ratio == 1.5)
  }
}

/// A plan that is not what was asked for says so.
@Suite struct PlanWarningTests {
  private func warning(_ asked: Double, _ reached: Double, method: String = "global", roundTo: Int = 8) -> String? {
    let scores = ScoreTable.Metadata(criterion: "", objective: "", accumulation: "", modelHash: "", dataHash: "")
    return PruningPlan(
      modelHash: "", requestedSparsity: asked, achievedSparsity: reached,
      allocation: .init(method: method, gamma: 1, roundTo: roundTo, scores: scores), layers: []
    ).sparsityWarning
  }

  @Test(arguments: [(0.3, 0.2995), (0.3, 0.31), (0, 0), (0.05, 0.0455)]) func near(asked: Double, reached: Double) {
    #expect(warning(asked, reached) == nil)
  }

  @Test func far() {
    #expect(warning(0.05, 0)?.contains("5.00 % asked, 0.00 % reached") == true)
    #expect(warning(0.05, 0)?.hasSuffix("a lower allocation.round-to comes nearer") == true)
    #expect(warning(0.05, 0.06, roundTo: 1)?.contains("round-to") == false)
    #expect(warning(0.3, 0.35, method: "depth")?.contains("method global") == true)
  }
}
