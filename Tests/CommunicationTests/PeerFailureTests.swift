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

  @Test func isPassedOnAsItIs() {
    let shared = PeerFailure(rank: 2, line: "disk full", exitCode: 4, failedRanks: [2], isCommon: false)
    #expect(throws: shared) {
      try SoloCommunicator().together { throw shared }
    }
  }
}
