internal import Calibration
internal import Communication
internal import Foundation

/// Exchanges gradients with every codec, for `espalier bench exchange`.
public struct ExchangeBenchmark {
  /// Values of made-up gradients, unless said otherwise: about as many as a model of 70 billion parameters has units.
  public static let defaultCount = 2_300_000
  public static let defaultSteps = 10
  /// Sums after which `auto` has decided.
  private static let stepsToDecide = 2
  /// A gradient of 4 GiB, of which several copies are in memory.
  public static let maximumCount = 1 << 30

  /// Gradients from files; empty for made-up ones.
  private let dumped: [[Float]]
  private let count: Int
  private let steps: Int

  /// - Parameters:
  ///   - gradients: safetensors files with real gradients. Rank r begins with the r-th, so that ranks differ if there are
  ///     several. Empty: normally distributed values, from a seed.
  ///   - count: how many values are made up.
  ///   - steps: how many exchanges are timed; nil for as many as there are gradients, or `defaultSteps`.
  /// - Throws: what is wrong with a file.
  public init(gradients: [String], count: Int, steps: Int?) throws {
    dumped = try GradientFiles(paths: gradients).steps
    self.count = dumped.first?.count ?? count
    self.steps = steps ?? (dumped.count > 1 ? dumped.count : Self.defaultSteps)
  }

  /// One codec's numbers. Bytes and seconds are of a rank and a step.
  struct Row {
    let codec: GradientCodec
    /// The mean over ranks.
    let sentBytes: Double
    let uncompressedBytes: Double
    /// The slowest rank's, the median over steps.
    let seconds: Double
    /// Of the last gradient on one core of rank 0.
    let measured: CodecMeasurement
    let bound: EntropyBound
  }

  struct Outcome {
    let rows: [Row]
    let values: Int
    let steps: Int
    let ranks: Int
    let isDumped: Bool
    /// Bytes per second and rank; infinite with one rank.
    let bandwidth: Double
    /// What `auto` took, and the seconds of a step with it: the slowest rank's, the median over steps once it
    /// has decided.
    let choice: GradientCodec
    let autoSeconds: Double
  }

  /// The table or JSON of a run. Collective.
  ///
  /// - Throws: ``CommunicationError``, also when ranks were asked for different runs.
  public func run(_ session: Session, json: Bool) throws -> String {
    let outcome = try measure(session.communicator)
    return json ? outcome.json : outcome.table
  }

  private func measure(_ communicator: any Communicator) throws(CommunicationError) -> Outcome {
    try communicator.requireAgreement(
      on: "benchmark", digest: "\(count) values in \(steps) steps\(dumped.isEmpty ? "" : " of files")")
    let bandwidth = try communicator.measuredBandwidth()
    let auto = try GradientExchange(count: count, codec: nil, communicator: communicator)
    for step in 0..<Self.stepsToDecide {
      var values = gradient(step: step, rank: communicator.rank)
      try auto.sum(&values, step: step)
    }
    let rows = try [.none, .exact, .bf16, .int8].map { (codec) throws(CommunicationError) in
      try row(codec, communicator)
    }
    return Outcome(
      rows: rows, values: count, steps: steps, ranks: communicator.size, isDumped: !dumped.isEmpty,
      bandwidth: bandwidth, choice: auto.codec, autoSeconds: try seconds(of: auto, communicator))
  }

  private func row(_ codec: GradientCodec, _ communicator: any Communicator) throws(CommunicationError) -> Row {
    // Not the first: half of LoRA's first gradient is zeros.
    let sample = gradient(step: steps - 1, rank: 0)
    let measured = try CodecMeasurement(codec, of: sample)
    let bound = try EntropyBound(of: sample, codec: codec)
    let exchange = try GradientExchange(count: count, codec: codec, communicator: communicator)
    let seconds = try self.seconds(of: exchange, communicator)
    let parts = Double(communicator.size * steps)
    return Row(
      codec: codec, sentBytes: try communicator.sum(of: Double(exchange.statistics.sentBytes)) / parts,
      uncompressedBytes: try communicator.sum(of: Double(exchange.statistics.uncompressedBytes)) / parts,
      seconds: seconds, measured: measured, bound: bound)
  }

  /// Of a step of `exchange`: the slowest rank's, the median over all steps.
  private func seconds(
    of exchange: GradientExchange, _ communicator: any Communicator
  ) throws(CommunicationError) -> Double {
    var seconds: [Double] = []
    for step in 0..<steps {
      var values = gradient(step: step, rank: communicator.rank)
      try communicator.barrier()
      let start = ContinuousClock.now
      try exchange.sum(&values, step: step)
      seconds.append(try communicator.maximum(of: start.duration(to: .now).seconds))
    }
    return seconds.sorted()[seconds.count / 2]
  }

  private func gradient(step: Int, rank: Int) -> [Float] {
    guard dumped.isEmpty else { return dumped[(step + rank) % dumped.count] }
    return Self.normal(count, seed: UInt64(step) << 32 | UInt64(rank))
  }

  /// Normally distributed values with a deviation of 0.001 (Box and Muller, 1958).
  private static func normal(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }
    var values: [Float] = []
    values.reserveCapacity(count)
    while values.count < count {
      let radius = 1e-3 * (-2 * log(1 - uniform())).squareRoot()
      let angle = 2 * Double.pi * uniform()
      values.append(Float(radius * cos(angle)))
      if values.count < count { values.append(Float(radius * sin(angle))) }
    }
    return values
  }
}
