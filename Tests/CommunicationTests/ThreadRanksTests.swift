import Communication
import CommunicationTestSupport
import Testing

/// Ranks in threads are ranks as any others.
@Suite struct ThreadRanksTests {
  @Test(arguments: [1, 2, 3, 5]) func keepTheContract(ranks: Int) throws {
    let results = ThreadRanks.run(ranks) { communicator in
      let contract = CommunicatorContract(communicator)
      var isRight = communicator.size == ranks
      for length in CommunicatorContract.lengths {
        isRight = try contract.broadcastDelivers(length: length) && isRight
        isRight = try contract.broadcastOfUnknownLengthDelivers(length: length) && isRight
        isRight = try contract.sumReachesRootOnly(length: length) && isRight
        isRight = try contract.sumIsIdenticalEverywhere(length: length) && isRight
        isRight = try contract.maximumReachesEveryone(length: length) && isRight
        isRight = try contract.gatherKeepsRankOrder(length: length) && isRight
        isRight = try contract.exchangeDeliversEachPart(length: length) && isRight
      }
      isRight = try contract.scalarsReduce() && isRight
      isRight = try contract.foreignRootIsRefused() && isRight
      return try contract.prefetchesWhileReducing(rounds: 20, waiting: .sleeping) && isRight
    }
    #expect(results.count == ranks)
    for result in results { #expect(try result.get()) }
  }
}
