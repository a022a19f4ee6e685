import Communication
import CommunicationTestSupport
import MPITestSupport
import Testing

/// Sums onto one rank. Collective: see ``TestWorld``.
@Suite(.serialized) struct GradientReduceRanksTests {
  private func reduce(
    _ values: inout [Float], to root: Int, _ codec: GradientCodec, _ communicator: any Communicator
  ) throws -> (sentBytes: Int, uncompressedBytes: Int) {
    var span = values.mutableSpan
    return try GradientExchange.reduce(&span, to: root, codec: codec, communicator: communicator, name: "layer 3")
  }

  /// Also more values than go at once, and none.
  @Test(arguments: [0, 1, 5, 1000, 1 << 20 + 5]) func rootGetsTheSumInRankOrder(count: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(count)")
    let (rank, size) = (communicator.rank, communicator.size)
    let all = (0..<size).map { GradientSamples.gradient(count, rank: $0) }
    let sum = all.dropFirst().reduce(all[0]) { sum, next in zip(sum, next).map { $0 + $1 } }
    for root in 0..<size {
      for codec in GradientCodec.allCases {
        var values = all[rank]
        let (sent, plain) = try reduce(&values, to: root, codec, communicator)
        #expect(plain == (rank == root ? 0 : count * 4))
        #expect((sent == 0) == (plain == 0))
        if rank != root {
          #expect(bits(values) == bits(all[rank]))
        } else if codec.isLossless {
          #expect(bits(values) == bits(sum))
        } else {
          // 40 is the largest scale of the samples, and a code is 1/127 of the block's largest at the least.
          #expect(zip(values, sum).allSatisfy { ($0 - $1).magnitude <= Float(size) * 160 / 127 })
          #expect(count < 1000 || size == 1 || bits(values) != bits(sum))
        }
      }
    }
  }

  /// Of negative zeros the sum is one.
  @Test func zerosKeepTheirSign() throws {
    let communicator = try TestWorld.communicator()
    var values: [Float] = [-0.0, .leastNonzeroMagnitude]
    _ = try reduce(&values, to: communicator.size - 1, .exact, communicator)
    #expect(values[0].bitPattern == Float(-0.0).bitPattern)
  }

  @Test func whatIsNotFiniteIsReportedEverywhere() throws {
    let communicator = try TestWorld.communicator()
    let size = communicator.size
    for failing in 0..<size {
      var values = [Float](repeating: 1, count: 20)
      if communicator.rank == failing { values[11] = .nan }
      let error = #expect(throws: CommunicationError.self) {
        _ = try reduce(&values, to: 0, .exact, communicator)
      }
      #expect(error?.code == .notFinite)
      #expect(error?.message.hasPrefix("layer 3: rank \(failing) has nan at element 11; ") == true)
      #expect(values[0] == 1)
    }
    guard size > 1 else { return }
    var values = [Float](repeating: .greatestFiniteMagnitude, count: 20)
    let error = #expect(throws: CommunicationError.self) { _ = try reduce(&values, to: size - 1, .none, communicator) }
    #expect(error?.code == .notFinite)
    #expect(error?.message.hasPrefix("layer 3: the sum over ranks is inf at element 0; ") == true)
  }

  @Test func aFlippedBitIsEveryonesError() throws {
    let communicator = try TestWorld.communicator()
    guard communicator.size > 1 else { return }
    let rank = communicator.rank
    let falsified = FalseCommunicator(communicator) { received, _ in if rank == 0 { received[1][30] ^= 1 } }
    var values = GradientSamples.gradient(300)
    let error = #expect(throws: CommunicationError.self) { _ = try reduce(&values, to: 0, .int8, falsified) }
    #expect(error?.code == .damaged)
    #expect(error?.message.hasPrefix("layer 3, from rank 1 to rank 0: a gradient message is damaged") == true)
  }

  @Test func aForeignRootIsRefused() throws {
    let communicator = try TestWorld.communicator()
    var values: [Float] = [1]
    let error = #expect(throws: CommunicationError.self) {
      _ = try reduce(&values, to: communicator.size, .exact, communicator)
    }
    #expect(error?.code == .invalidArgument)
  }
}
