/// What a codec makes of some values on this machine, on one core.
public struct CodecMeasurement: Sendable, Equatable {
  public let codec: GradientCodec
  /// Bytes of the values as float32, and of their frame.
  public let uncompressedBytes: Int
  public let compressedBytes: Int
  /// Seconds for the whole, the best of a few tries.
  public let encodeSeconds: Double
  public let decodeSeconds: Double

  private static let tries = 3

  /// Encodes and decodes `values`, all finite, a few times. Not collective.
  ///
  /// - Throws: `CommunicationError` when there is no memory.
  public init(_ codec: GradientCodec, of values: [Float]) throws(CommunicationError) {
    let coder = try GradientCoder(codec)
    var frame: [UInt8] = []
    var decoded = [Float](repeating: 0, count: values.count)
    var (encode, decode) = (Double.infinity, Double.infinity)
    // The first try is not counted: it takes memory for the first time.
    for turn in 0...Self.tries {
      let start = ContinuousClock.now
      coder.encode(values.span, into: &frame)
      let encoded = ContinuousClock.now
      try coder.decode(frame, into: &decoded)
      guard turn > 0 else { continue }
      encode = min(encode, start.duration(to: encoded).seconds)
      decode = min(decode, encoded.duration(to: .now).seconds)
    }
    self.codec = codec
    uncompressedBytes = values.count * 4
    compressedBytes = frame.count
    (encodeSeconds, decodeSeconds) = (encode, decode)
  }

  /// How many times fewer bytes; 1 for no values.
  public var ratio: Double {
    uncompressedBytes > 0 ? Double(uncompressedBytes) / Double(compressedBytes) : 1
  }

  /// Uncompressed bytes per second.
  public var encodeRate: Double { rate(encodeSeconds) }
  public var decodeRate: Double { rate(decodeSeconds) }

  /// The bandwidth in bytes per second below which compression saves time: (1 − 1/ratio) / (1/encode + 1/decode), for a
  /// byte that is encoded, sent and decoded one after the other. 0 where nothing is saved.
  public var breakEvenBandwidth: Double {
    let saved = 1 - 1 / ratio
    guard saved > 0, encodeRate > 0, decodeRate > 0 else { return 0 }
    return saved / (1 / encodeRate + 1 / decodeRate)
  }

  /// Whether, on a link of that bandwidth, sending fewer bytes saves more time than coding takes.
  public func pays(atBytesPerSecond bandwidth: Double) -> Bool { bandwidth < breakEvenBandwidth }

  private func rate(_ seconds: Double) -> Double { seconds > 0 ? Double(uncompressedBytes) / seconds : 0 }
}

extension Communicator {
  /// Bytes that a rank sends per second while all ranks send to all others at once: the slowest rank's, the same number
  /// on all. Infinite with one rank. Sends some megabytes.
  ///
  /// Links that let a first burst pass faster than what follows, as a token bucket does, seem faster than they are by the
  /// burst's share of 4 MiB.
  public func measuredBandwidth() throws(CommunicationError) -> Double {
    guard size > 1 else { return .infinity }
    var best = Double.infinity
    // The first, small one opens connections, and does not count.
    for (turn, bytes) in [1 << 16, 1 << 22, 1 << 22].enumerated() {
      var parts = Array(repeating: [UInt8](repeating: 0x55, count: bytes / (size - 1) + 1), count: size)
      parts[rank] = []
      try barrier()
      let start = ContinuousClock.now
      _ = try exchange(parts)
      let seconds = try maximum(of: start.duration(to: .now).seconds)
      if turn > 0 { best = min(best, seconds / Double(bytes)) }
    }
    return 1 / best
  }
}
