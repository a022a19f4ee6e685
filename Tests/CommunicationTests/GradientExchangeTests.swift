import Communication
import CommunicationTestSupport
import Testing

/// The exchange of a single rank; of several: GradientExchangeRanksTests.
@Suite struct GradientExchangeTests {
  @Test(arguments: GradientCodec.allCases.map(Optional.some) + [nil]) func aLoneRankKeepsItsBits(
    codec: GradientCodec?
  ) throws {
    let exchange = try GradientExchange(count: 300, codec: codec, communicator: SoloCommunicator())
    let values = GradientSamples.gradient(300 - GradientSamples.extremes.count) + GradientSamples.extremes
    var summed = values
    for step in 0..<3 { try exchange.sum(&summed, step: step) }
    #expect(bits(summed) == bits(values))
    #expect(exchange.codec == codec ?? .none)
    #expect(exchange.statistics.steps == 3 && exchange.lastStatistics.steps == 1)
    #expect(exchange.statistics.sentBytes == 0 && exchange.statistics.ratio == 1)
    #expect(exchange.residuals == GradientExchange.Residuals())
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func refusesWhatIsNotFinite(value: Float) throws {
    let exchange = try GradientExchange(
      count: 4, codec: .exact, communicator: SoloCommunicator(), name: "gate gradients")
    var values: [Float] = [1, 2, value, .nan]
    let error = #expect(throws: CommunicationError.self) {
      try exchange.sum(&values, step: 7) { "layer \($0)" }
    }
    #expect(error?.code == .notFinite)
    #expect(error?.message.hasPrefix("gate gradients of step 7: rank 0 has \(value) at layer 2; ") == true)
    #expect(values[0] == 1 && exchange.statistics.steps == 0)
  }

  @Test func refusesForeignResiduals() throws {
    let exchange = try GradientExchange(count: 4, codec: .int8, communicator: SoloCommunicator())
    for residuals in [GradientExchange.Residuals(own: [1]), .init(owned: [1, 2])] {
      let error = #expect(throws: CommunicationError.self) { try exchange.restore(residuals) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("number of ranks") == true)
    }
    try exchange.restore(GradientExchange.Residuals())
  }
}
