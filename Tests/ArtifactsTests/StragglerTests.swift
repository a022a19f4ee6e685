import Artifacts
import Testing

@Suite struct StragglerTests {
  private func straggler(_ computing: [Double]) -> RunReport.Straggler? {
    RunReport.Straggler(computing: computing, hosts: computing.indices.map { "node\($0)" })
  }

  @Test func aSlowRankIsNamed() throws {
    let found = try #require(straggler([10, 11, 9, 16, 10]))
    #expect(found.rank == 3 && found.host == "node3" && found.ratio == 1.6)
    #expect(straggler([10, 30])?.ratio == 3)
  }

  @Test(arguments: [
    [], [5], [10, 12.9], [10, 10, 10], [0.1, 0.9], [0, 5, 0], [10, .nan],
  ]) func smallDifferencesAreNone(computing: [Double]) {
    #expect(straggler(computing) == nil)
  }

  /// All ranks end a phase together: who waited least computed longest.
  @Test func itIsFoundByWhoDidNotWait() throws {
    let phase = RunReport.Phase(
      name: "score", seconds: [20, 20, 20], waiting: [8, 0, 7], hosts: ["a", "b", "c"])
    #expect(phase.straggler?.rank == 1 && phase.straggler?.ratio == 1.6)
    #expect(phase.waiting == [8, 0, 7])
    #expect(RunReport.Phase(name: "score", seconds: [20, 20, 20]).straggler == nil)
    #expect(RunReport.Phase(name: "score", seconds: [20], waiting: [0], hosts: ["a"]).waiting == nil)

    var report = sampleReport()
    report.phases.append(phase)
    #expect(ReportTable(report).text.contains("\nstragglers    rank 1 on b, 1.6 × the median in score\n"))
    let read = try RunReport(json: report.json())
    #expect(read == report)
  }
}
