import Communication
import CommunicationTestSupport
import MPITestSupport
import Testing

/// Sums of gradients are right, and the same bits on all ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct GradientExchangeRanksTests {
  static let lengths = [0, 1, 2, 3, 7, 1000, 5001]

  /// The sum in rank order, by one rank that knows all gradients.
  private func expected(_ gradients: [[Float]]) -> [Float] {
    gradients.dropFirst().reduce(gradients.first ?? []) { sum, next in zip(sum, next).map { $0 + $1 } }
  }

  private func gradients(_ count: Int, size: Int, step: Int = 0) -> [[Float]] {
    (0..<size).map { GradientSamples.gradient(count, rank: $0, step: step) }
  }

  /// Whether all ranks hold these bits.
  private func isSameEverywhere(_ values: [Float], _ communicator: any Communicator) throws -> Bool {
    let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
    return try communicator.gather(bytes).allSatisfy { $0 == bytes }
  }

  @Test(arguments: lengths) func losslessCodecsSumInRankOrder(count: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(count)")
    for codec: GradientCodec? in [.exact, GradientCodec.none, nil] {
      let exchange = try GradientExchange(count: count, codec: codec, communicator: communicator)
      for step in 0..<3 {
        let all = gradients(count, size: communicator.size, step: step)
        var values = all[communicator.rank]
        try exchange.sum(&values, step: step)
        #expect(bits(values) == bits(expected(all)))
      }
      #expect(exchange.codec.isLossless)
      #expect(exchange.statistics.steps == 3)
    }
  }

  /// Zeros keep their sign and subnormals their bits.
  @Test func extremesKeepTheirBits() throws {
    let communicator = try TestWorld.communicator()
    let values = GradientSamples.extremes
    let sum = expected(Array(repeating: values, count: communicator.size))
    for codec in [GradientCodec.exact, .none] {
      var summed = values
      let exchange = try GradientExchange(count: values.count, codec: codec, communicator: communicator)
      try exchange.sum(&summed, step: 0)
      #expect(bits(summed) == bits(sum))
      #expect(summed[1].bitPattern == Float(-0.0).bitPattern)
    }
  }

  @Test(arguments: lengths) func lossyCodecsAreCloseAndEqualEverywhere(count: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(count)")
    for (codec, tolerance) in [(GradientCodec.bf16, Float(1) / 128), (.int8, Float(1) / 64)] {
      let exchange = try GradientExchange(count: count, codec: codec, communicator: communicator)
      let all = gradients(count, size: communicator.size)
      var values = all[communicator.rank]
      try exchange.sum(&values, step: 0)
      #expect(try isSameEverywhere(values, communicator))
      let sum = expected(all)
      for start in stride(from: 0, to: count, by: 256) {
        // Blocks of a part need not begin where these do: look at the neighbors' magnitudes too.
        let near = max(0, start - 256)..<min(count, start + 512)
        let largest = all.flatMap { $0[near] }.map(\.magnitude).max() ?? 0
        for index in start..<min(start + 256, count) {
          #expect((values[index] - sum[index]).magnitude <= tolerance * largest * Float(communicator.size))
        }
      }
    }
  }

  /// The same gradient in every step: what one step leaves out the next ones bring, so that the mean over steps comes
  /// to the exact sum. Without feedback the first step's error would repeat itself.
  @Test func errorFeedbackConverges() throws {
    let communicator = try TestWorld.communicator()
    let count = 1500
    let steps = 64
    let exchange = try GradientExchange(count: count, codec: .int8, communicator: communicator)
    let all = gradients(count, size: communicator.size)
    let sum = expected(all)
    var total = [Double](repeating: 0, count: count)
    var first: Float = 0
    for step in 0..<steps {
      var values = all[communicator.rank]
      try exchange.sum(&values, step: step)
      if step == 0 { first = zip(values, sum).map { ($0 - $1).magnitude }.max() ?? 0 }
      for index in 0..<count { total[index] += Double(values[index]) }
    }
    let last = zip(total, sum).map { abs($0 / Double(steps) - Double($1)) }.max() ?? 0
    if communicator.size > 1 {
      #expect(first > 0.1)
      #expect(last < Double(first) / 16)
    } else {
      #expect(first == 0)
    }
  }

  @Test func residualsContinueToTheSameBits() throws {
    let communicator = try TestWorld.communicator()
    let count = 2003
    func run(_ exchange: GradientExchange, _ steps: Range<Int>) throws -> [[UInt32]] {
      try steps.map { step in
        var values = GradientSamples.gradient(count, rank: communicator.rank, step: step)
        try exchange.sum(&values, step: step)
        return bits(values)
      }
    }
    let exchange = try GradientExchange(count: count, codec: .int8, communicator: communicator)
    _ = try run(exchange, 0..<3)
    let saved = exchange.residuals
    let undisturbed = try run(exchange, 3..<6)
    let continued = try GradientExchange(count: count, codec: .int8, communicator: communicator)
    try continued.restore(saved)
    #expect(try run(continued, 3..<6) == undisturbed)
    #expect(continued.residuals == exchange.residuals)
    if communicator.size > 1 {
      #expect(saved.own.count == count)
      #expect(saved.owned.count == Partition(ranks: communicator.size).block(of: count, rank: communicator.rank).count)
      let fresh = try GradientExchange(count: count, codec: .int8, communicator: communicator)
      #expect(try run(fresh, 3..<6) != undisturbed)
      #expect(throws: CommunicationError.self) {
        try fresh.restore(GradientExchange.Residuals(own: saved.own.map { _ in .nan }, owned: saved.owned))
      }
    }
  }

  /// Rank, step and place are told on all ranks, nothing is changed, and the next step is as if nothing had been.
  @Test(arguments: GradientCodec.allCases) func whatIsNotFiniteIsReported(codec: GradientCodec) throws {
    let communicator = try TestWorld.communicator("\(#function) \(codec)")
    let count = 700
    let exchange = try GradientExchange(count: count, codec: codec, communicator: communicator)
    let undisturbed = try GradientExchange(count: count, codec: codec, communicator: communicator)
    for failing in 0..<communicator.size {
      for exchange in [exchange, undisturbed] {
        var values = GradientSamples.gradient(count, rank: communicator.rank, step: failing)
        try exchange.sum(&values, step: failing)
      }
      let residuals = exchange.residuals
      var values = GradientSamples.gradient(count, rank: communicator.rank, step: 99)
      if communicator.rank == failing { values[count - 1 - failing] = failing == 0 ? .nan : .infinity }
      let before = bits(values)
      let error = try commonError(communicator) {
        try exchange.sum(&values, step: 40 + failing) { "layer \($0 / 100) mlp unit \($0 % 100)" }
      }
      #expect(error?.code == .notFinite)
      let what = failing == 0 ? "nan" : "inf"
      let line =
        "gradients of step \(40 + failing): rank \(failing) has \(what) at layer 6 mlp unit \(99 - failing); "
      #expect(error?.message.hasPrefix(line) == true, "\(error?.message ?? "no error")")
      #expect(bits(values) == before)
      #expect(exchange.residuals == residuals)
    }
    var (values, same) = (GradientSamples.gradient(count), GradientSamples.gradient(count))
    try exchange.sum(&values, step: 50)
    try undisturbed.sum(&same, step: 50)
    #expect(bits(values) == bits(same))
  }

  @Test(arguments: GradientCodec.allCases) func aSumThatOverflowsIsReported(codec: GradientCodec) throws {
    let communicator = try TestWorld.communicator("\(#function) \(codec)")
    guard communicator.size > 1 else { return }
    let exchange = try GradientExchange(count: 10, codec: codec, communicator: communicator)
    var values = [Float](repeating: 1, count: 10)
    values[9] = .greatestFiniteMagnitude
    let error = try commonError(communicator) { try exchange.sum(&values, step: 3) { "unit \($0)" } }
    #expect(error?.code == .notFinite)
    #expect(error?.message.hasPrefix("gradients of step 3: the sum over ranks is inf at unit 9, ") == true)
    #expect(values[0] == 1)
    #expect(exchange.residuals.own.allSatisfy { $0 == 0 })
  }

  /// Bytes as they can be counted by hand: to each other rank its part, and this rank's summed part to each.
  @Test func statisticsCountBytes() throws {
    let communicator = try TestWorld.communicator()
    let count = 1000
    let exchange = try GradientExchange(count: count, codec: GradientCodec.none, communicator: communicator)
    var values = GradientSamples.gradient(count)
    for step in 0..<2 { try exchange.sum(&values, step: step) }
    let others = communicator.size - 1
    let own = Partition(ranks: communicator.size).block(of: count, rank: communicator.rank).count
    let plain = others == 0 ? 0 : (count - own + others * own) * 4
    #expect(exchange.lastStatistics.uncompressedBytes == plain)
    #expect(exchange.lastStatistics.sentBytes == plain + 2 * others * 28)
    #expect(exchange.statistics.sentBytes == 2 * exchange.lastStatistics.sentBytes)
    let packed = try GradientExchange(count: 50_000, codec: .int8, communicator: communicator)
    var long = GradientSamples.gradient(50_000)
    try packed.sum(&long, step: 0)
    #expect(others == 0 ? packed.statistics.ratio == 1 : packed.statistics.ratio > 3.9)
  }
}
