import Communication
import CommunicationTestSupport
import Foundation
import MPICommunication
import Testing

/// Collective tests: every rank of an `mpirun` runs all of them in the order of this file. All MPI tests are
/// therefore in this one serialized suite. Without `mpirun` they run on one rank.
@Suite(.serialized) struct MPICommunicatorTests {
  @Test func theWorldIsWhatTheLauncherPromised() throws {
    let world = try TestGroup.allRanks
    #expect(world.size == MPISession.environmentSize ?? 1)
    #expect(world.rank == MPISession.environmentRank ?? 0)
    let error = #expect(throws: CommunicationError.self) { try MPISession() }
    #expect(error?.code == .launch)
  }

  @Test(arguments: TestGroup.allCases, CommunicatorContract.lengths)
  func broadcasts(group: TestGroup, length: Int) throws {
    let contract = try group.contract(#function, length)
    #expect(try contract.broadcastDelivers(length: length))
    #expect(try contract.broadcastOfUnknownLengthDelivers(length: length))
  }

  @Test(arguments: TestGroup.allCases, CommunicatorContract.lengths)
  func sums(group: TestGroup, length: Int) throws {
    let contract = try group.contract(#function, length)
    #expect(try contract.sumReachesRootOnly(length: length))
    #expect(try contract.sumIsIdenticalEverywhere(length: length))
  }

  @Test(arguments: TestGroup.allCases, CommunicatorContract.lengths)
  func maximizesAndGathers(group: TestGroup, length: Int) throws {
    let contract = try group.contract(#function, length)
    #expect(try contract.maximumReachesEveryone(length: length))
    #expect(try contract.gatherKeepsRankOrder(length: length))
  }

  @Test(arguments: TestGroup.allCases, CommunicatorContract.lengths)
  func exchanges(group: TestGroup, length: Int) throws {
    let contract = try group.contract(#function, length)
    #expect(try contract.exchangeDeliversEachPart(length: length))
    #expect(try contract.exchangeBetweenTwo(length: length))
  }

  @Test(arguments: TestGroup.allCases) func keepsTheRestOfTheContract(group: TestGroup) throws {
    let contract = try group.contract()
    try contract.communicator.barrier()
    #expect(try contract.scalarsReduce())
    #expect(try contract.foreignRootIsRefused())
    #expect(try contract.wrongNumberOfPartsIsRefused())
    #expect(try contract.hostLayoutIsConsistent())
    #expect(try contract.splitsByColor())
  }

  /// Beyond what Open MPI sends eagerly, and over the boundary of its algorithms for long messages.
  @Test func longMessagesAreWhole() throws {
    let contract = try TestGroup.duplicate.contract()
    #expect(try contract.broadcastDelivers(length: 400_001))
    #expect(try contract.sumReachesRootOnly(length: 60_001))
    #expect(try contract.sumIsIdenticalEverywhere(length: 20_001))
    #expect(try contract.gatherKeepsRankOrder(length: 100_001))
    #expect(try contract.exchangeDeliversEachPart(length: 100_001))
    #expect(try contract.exchangeBetweenTwo(length: 400_001))
  }

  /// More bytes than MPI counts. Two ranks need 8 GB for it, so it is left out unless asked for (CONTRIBUTING.md).
  @Test(.enabled(if: ProcessInfo.processInfo.environment["ESPALIER_LONG_MESSAGES"] == "1"))
  func messagesBeyond2GiBAreWhole() throws {
    let world = try TestGroup.allRanks
    let length = 1 << 31 + 4321
    // Another pattern in each piece, so that none can stand for another.
    func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index &* 31 &+ index / world.messageBytes) }
    func isWhole(_ bytes: [UInt8]) -> Bool {
      bytes.count == length && bytes.indices.allSatisfy { bytes[$0] == byte($0) }
    }
    let first = world.rank == 0 ? (0..<length).map(byte) : []
    do {
      let received = try world.broadcast(first, root: 0)
      #expect(isWhole(received))
    }
    var parts = [[UInt8]](repeating: [], count: world.size)
    parts[world.size - 1] = first
    let received = try world.exchange(parts)
    #expect(received[0].isEmpty || isWhole(received[0]))
    #expect(received[0].isEmpty == (world.rank != world.size - 1))
    #expect(received.dropFirst().allSatisfy { $0.isEmpty })
  }

  @Test(arguments: TestGroup.allCases) func agreementNamesWhatDiffersAndWhere(group: TestGroup) throws {
    let contract = try group.contract()
    let size = contract.communicator.size
    let rank = contract.communicator.rank
    #expect(try contract.disagreement(on: "plan", digest: "same") == nil)
    let line = try contract.disagreement(on: "run document", digest: rank == size - 1 && size > 1 ? "bb" : "aa")
    let phases = try contract.disagreement(on: rank == 0 ? "plan" : "model", digest: "same")
    switch size {
    case 1:
      #expect(line == nil)
      #expect(phases == nil)
    case 2:
      #expect(
        line == "rank 1 has a different run document (bb; rank 0: aa); give every rank the same run document")
      #expect(phases?.hasPrefix("rank 1 at \"model\" while rank 0 at \"plan\": ") == true)
    default:
      let most = RankList(Array(0..<(size - 1)))
      #expect(
        line
          == "rank \(size - 1) has a different run document (bb; \(most): aa); give every rank the same run document")
      #expect(phases?.hasPrefix("rank 0 at \"plan\" while ranks 1-\(size - 1) at \"model\": ") == true)
    }
  }

  @Test(arguments: TestGroup.allCases) func aFailureIsEveryonesFailure(group: TestGroup) throws {
    let contract = try group.contract()
    let size = contract.communicator.size
    #expect(try contract.failure(where: [:]) == nil)
    let everyone = Dictionary(uniqueKeysWithValues: (0..<size).map { ($0, "no such file") })
    let common = try #require(try contract.failure(where: everyone, exitCode: 66))
    #expect(common.description == "no such file")
    #expect(common.exitCode == 66)
    for failing in 0..<size {
      let failure = try #require(try contract.failure(where: [failing: "disk full"], exitCode: Int32(failing + 2)))
      #expect(failure.rank == failing)
      #expect(failure.failedRanks == [failing])
      #expect(failure.exitCode == Int32(failing + 2))
      #expect(failure.description == (size == 1 ? "disk full" : "rank \(failing): disk full"))
    }
    let nested = try #require(try contract.failure(where: [size - 1: "inner"]))
    #expect(throws: nested) {
      try contract.communicator.together { throw nested }
    }
  }

  @Test(arguments: [Waiting.spinning, .sleeping]) func prefetchesWhileReducing(waiting: Waiting) throws {
    let contract = try TestGroup.chunked.contract()
    #expect(try contract.prefetchesWhileReducing(rounds: 20, waiting: waiting))
    let whole = try TestGroup.world.contract()
    #expect(try whole.prefetchesWhileReducing(rounds: 200, waiting: waiting))
  }

  /// A receiver with less room than the root sends gets MPI's own words, and neither hangs nor dies.
  @Test func errorsCarryWhatMPISays() throws {
    let duplicate = try TestGroup.duplicate.contract().communicator
    var bytes = [UInt8](repeating: 1, count: duplicate.rank == 0 ? 100 : 50)
    var description = ""
    do {
      var span = bytes.mutableSpan
      var raw = unsafe span.mutableBytes
      try duplicate.broadcast(&raw, root: 0)
    } catch {
      #expect(error.code == .library)
      description = error.description
    }
    try TestGroup.allRanks.barrier()
    if duplicate.rank == 0 {
      #expect(description.isEmpty)
    } else {
      #expect(description.hasPrefix("MPI_Bcast from rank 0, on rank \(duplicate.rank) of \(duplicate.size), failed: "))
      #expect(description.contains("MPI_ERR_TRUNCATE"))
    }
  }

  /// Duplicates come and go without using MPI's supply of them up.
  @Test func duplicatesAreFreed() throws {
    let contract = try TestGroup.world.contract()
    for round in 0..<200 {
      let duplicate = try contract.communicator.duplicate()
      #expect(try duplicate.sum(of: Double(round)) == Double(round * duplicate.size))
    }
  }

  @Test(.enabled(if: !MPISession.isLaunchedByMPI)) func abortEndsTheProcess() async {
    await #expect(processExitsWith: .exitCode(7)) { try MPISession().world.abort(code: 7) }
  }
}
