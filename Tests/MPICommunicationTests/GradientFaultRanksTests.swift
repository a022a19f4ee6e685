import Communication
import CommunicationTestSupport
import MPITestSupport
import Testing

/// Faults on the way, and ranks that do not fit together: known to all ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct GradientFaultRanksTests {
  /// The message that the last rank sends is flipped on its way to rank 0, at first as a part (call 1; call 0 is
  /// agreement), then as a sum (call 2).
  @Test(arguments: [1, 2]) func aFlippedBitIsEveryonesError(call: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(call)")
    guard communicator.size > 1 else { return }
    let (rank, last) = (communicator.rank, communicator.size - 1)
    let falsified = FalseCommunicator(communicator) { received, number in
      if rank == 0, number == call { received[last][33] ^= 4 }
    }
    let exchange = try GradientExchange(count: 100, codec: .exact, communicator: falsified)
    var values = GradientSamples.gradient(100, rank: rank)
    let error = try commonError(communicator) { try exchange.sum(&values, step: 12) }
    #expect(error?.code == .damaged)
    let line = "gradients of step 12, from rank \(last) to rank 0: a gradient message is damaged: its checksum is wrong"
    #expect(error?.message.hasPrefix(line) == true, "\(error?.message ?? "no error")")
  }

  /// A sum that arrives as another one, with a right checksum, is found by comparing what ranks ended with.
  @Test func otherSumsAreFound() throws {
    let communicator = try TestWorld.communicator()
    guard communicator.size > 1 else { return }
    let (rank, last) = (communicator.rank, communicator.size - 1)
    let part = Partition(ranks: communicator.size).block(of: 100, rank: 0).count
    var other: [UInt8] = []
    try GradientCoder(.exact).encode([Float](repeating: 1, count: part).span, into: &other)
    let replacement = other
    let falsified = FalseCommunicator(communicator) { received, number in
      if rank == last, number == 2 { received[0] = replacement }
    }
    let exchange = try GradientExchange(count: 100, codec: .exact, communicator: falsified)
    var values = GradientSamples.gradient(100, rank: rank)
    let error = try commonError(communicator) { try exchange.sum(&values, step: 12) }
    #expect(error?.code == .disagreement)
    #expect(
      error?.message.hasPrefix("gradients of step 12: ranks ended with different sums (rank \(last): checksum ")
        == true, "\(error?.message ?? "no error")")
  }

  @Test func otherStepsAreFound() throws {
    let communicator = try TestWorld.communicator()
    guard communicator.size > 1 else { return }
    let last = communicator.size - 1
    let exchange = try GradientExchange(count: 100, codec: .bf16, communicator: communicator)
    var values = GradientSamples.gradient(100)
    let error = try commonError(communicator) {
      try exchange.sum(&values, step: communicator.rank == last ? 8 : 7)
    }
    #expect(error?.code == .disagreement)
    #expect(
      error?.message.hasPrefix("gradients: ranks are at different steps (rank \(last): step 8; rank 0: step 7)")
        == true, "\(error?.message ?? "no error")")
  }

  @Test func unequalExchangesAreRefused() throws {
    let communicator = try TestWorld.communicator()
    guard communicator.size > 1 else { return }
    let isLast = communicator.rank == communicator.size - 1
    for (count, codec) in [(isLast ? 9 : 10, GradientCodec.int8), (10, isLast ? .exact : .none)] {
      let error = try commonError(communicator) {
        _ = try GradientExchange(count: count, codec: codec, communicator: communicator, name: "gate gradients")
      }
      #expect(error?.code == .disagreement)
      #expect(error?.message.contains("different exchange of gate gradients") == true)
    }
  }
}
