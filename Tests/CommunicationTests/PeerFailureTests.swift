import Communication
import CommunicationTestSupport
import Testing

@Suite struct PeerFailureTests {
  @Test func namesRankAndCompany() {
    let alone = PeerFailure(rank: 2, line: "disk full", exitCode: 4, failedRanks: [2], isCommon: false)
    #expect(alone.description == "rank 2: disk full")
    let several = PeerFailure(rank: 1, line: "disk full", exitCode: 4, failedRanks: [1, 2, 3], isCommon: false)
    #expect(several.description == "rank 1: disk full (ranks 2-3 failed too)")
    let common = PeerFailure(rank: 0, line: "disk full", exitCode: 4, failedRanks: [0, 1], isCommon: true)
    #expect(common.description == "disk full")
  }

  @Test func becomesOneLine() throws {
    let contract = CommunicatorContract(SoloCommunicator())
    let failure = try #require(try contract.failure(where: [0: "first\nsecond\u{1B}[31m"]))
    #expect(failure.line == "first second [31m")
  }

  @Test func anExitCodeOfZeroIsAFailureStill() throws {
    let contract = CommunicatorContract(SoloCommunicator())
    #expect(try contract.failure(where: [0: "broken"], exitCode: 0)?.exitCode == 1)
    #expect(try contract.failure(where: [0: "broken"], exitCode: -5)?.exitCode == -5)
  }

  /// What lies in the model, and not with a rank, is told of in the same words on any number of ranks.
  @Test(arguments: [1, 2, 3], [true, false]) func commonFaultsNameNoRank(ranks: Int, isCommon: Bool) {
    let failures = ThreadRanks.run(ranks) { communicator in
      try communicator.together(exitCode: { _ in 65 }, isCommon: { _ in isCommon }) {
        if communicator.rank == ranks - 1 { throw TestFailure("element [1, 2] is NaN") }
      }
    }.map { result -> PeerFailure? in
      if case .failure(let error) = result { error as? PeerFailure } else { nil }
    }
    #expect(failures.count == ranks && Set(failures.map { $0?.description }).count == 1)
    #expect(failures.allSatisfy { $0?.exitCode == 65 && $0?.failedRanks == [ranks - 1] })
    let prefix = isCommon || ranks == 1 ? "" : "rank \(ranks - 1): "
    #expect(failures.first??.description == prefix + "element [1, 2] is NaN")
  }

  @Test func isPassedOnAsItIs() {
    let shared = PeerFailure(rank: 2, line: "disk full", exitCode: 4, failedRanks: [2], isCommon: false)
    #expect(throws: shared) {
      try SoloCommunicator().together { throw shared }
    }
  }
}
