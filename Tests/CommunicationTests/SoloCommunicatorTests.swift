import Communication
import CommunicationTestSupport
import Testing

@Suite struct SoloCommunicatorTests {
  let contract = CommunicatorContract(SoloCommunicator())

  @Test func isTheOnlyRank() {
    #expect(contract.communicator.rank == 0)
    #expect(contract.communicator.size == 1)
  }

  @Test(arguments: CommunicatorContract.lengths) func keepsTheContract(length: Int) throws {
    #expect(try contract.broadcastDelivers(length: length))
    #expect(try contract.broadcastOfUnknownLengthDelivers(length: length))
    #expect(try contract.sumReachesRootOnly(length: length))
    #expect(try contract.sumIsIdenticalEverywhere(length: length))
    #expect(try contract.maximumReachesEveryone(length: length))
    #expect(try contract.gatherKeepsRankOrder(length: length))
    #expect(try contract.exchangeDeliversEachPart(length: length))
    #expect(try contract.exchangeBetweenTwo(length: length))
  }

  @Test func keepsTheContractWithoutLength() throws {
    try contract.communicator.barrier()
    #expect(try contract.scalarsReduce())
    #expect(try contract.foreignRootIsRefused())
    #expect(try contract.wrongNumberOfPartsIsRefused())
    #expect(try contract.hostLayoutIsConsistent())
    #expect(try contract.splitsByColor())
  }

  @Test(arguments: [Waiting.spinning, .sleeping]) func prefetches(waiting: Waiting) throws {
    #expect(try contract.prefetchesWhileReducing(rounds: 50, waiting: waiting))
  }

  @Test func agreesWithItself() throws {
    #expect(try contract.disagreement(on: "plan", digest: "abc") == nil)
    try contract.communicator.requireAgreement(on: "plan", digest: [0, 255])
  }

  @Test func failsWithoutNamingARank() throws {
    let failure = try #require(try contract.failure(where: [0: "no such file"], exitCode: 3))
    #expect(failure.description == "no such file")
    #expect(failure.exitCode == 3)
    #expect(try contract.failure(where: [:]) == nil)
  }

  @Test func abortEndsTheProcess() async {
    await #expect(processExitsWith: .exitCode(7)) { SoloCommunicator().abort(code: 7) }
  }
}
