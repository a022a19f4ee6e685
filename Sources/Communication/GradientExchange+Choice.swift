extension GradientExchange {
  /// Values of the second gradient by which codecs are compared, in `samples` stretches.
  private static let sampleValues = 1 << 20
  private static let samples = 16

  /// Where the codec was left open: rank 0 weighs the link against the codec on its second gradient, and tells the others.
  /// The first may be unlike all others: LoRA's matrices B begin as zeros, so that the gradients of A, half of the values,
  /// are zeros once.
  ///
  /// The choice is between `exact` and `none` alone, which give the same bits: a measurement must not decide a result.
  func decide(by values: [Float]) throws(CommunicationError) {
    guard !isDecided, statistics.steps > 0 else { return }
    let bandwidth = try communicator.measuredBandwidth()
    var decision: [UInt8] = []
    if communicator.rank == 0 {
      decision = ExchangeFailure.caught { () throws(CommunicationError) in
        // A gradient that is not finite is refused, whatever is chosen.
        guard values.firstNotFinite == nil else { return [GradientCodec.none.number] }
        let pays = try CodecMeasurement(.exact, of: Self.sample(values)).pays(atBytesPerSecond: bandwidth)
        return [(pays ? GradientCodec.exact : .none).number]
      }
    }
    decision = try communicator.broadcast(decision, root: 0)
    try ExchangeFailure.throwFirst(in: [decision])
    codec = decision == [GradientCodec.exact.number] ? .exact : .none
    coder = try GradientCoder(codec)
    isDecided = true
  }

  /// Stretches from all over `values`, since layers differ.
  private static func sample(_ values: [Float]) -> [Float] {
    guard values.count > sampleValues else { return values }
    return (0..<samples).flatMap { index in
      let start = (values.count - sampleValues / samples) / (samples - 1) * index
      return values[start..<start + sampleValues / samples]
    }
  }
}
