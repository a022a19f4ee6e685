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
