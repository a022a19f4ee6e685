import Communication
import CommunicationTestSupport
import Testing

@Suite struct GradientCoderTests {
  static let lengths = [0, 1, 2, 255, 256, 257, 1001, 70_000]

  private func decoded(_ frame: [UInt8], _ codec: GradientCodec, count: Int) throws -> [Float] {
    var values = [Float](repeating: .nan, count: count)
    try GradientCoder(codec).decode(frame, into: &values)
    return values
  }

  private func frame(_ values: [Float], _ codec: GradientCodec) throws -> [UInt8] {
    var frame: [UInt8] = [1, 2, 3]
    try GradientCoder(codec).encode(values.span, into: &frame)
    return frame
  }

  @Test(arguments: [GradientCodec.exact, .none], lengths) func losslessCodecsKeepBits(
    codec: GradientCodec, length: Int
  ) throws {
    for values in [GradientSamples.gradient(length), GradientSamples.noise(length)] {
      #expect(bits(try decoded(try frame(values, codec), codec, count: length)) == bits(values))
    }
    let extremes = GradientSamples.extremes + [.greatestFiniteMagnitude, -.greatestFiniteMagnitude]
    #expect(bits(try decoded(try frame(extremes, codec), codec, count: extremes.count)) == bits(extremes))
  }

  /// Against rounding done in another way: the nearer of the two neighbors, the even one of equally near ones.
  @Test func bf16RoundsToNearestEven() throws {
    let values = GradientSamples.gradient(3000) + GradientSamples.extremes + GradientSamples.noise(3000)
    let rounded = try decoded(try frame(values, .bf16), .bf16, count: values.count)
    for (value, result) in zip(values, rounded) {
      let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
      let above = Float(bitPattern: below.bitPattern &+ 0x1_0000)
      let (down, up) = (abs(Double(value) - Double(below)), abs(Double(above) - Double(value)))
      let isBelowEven = below.bitPattern & 0x1_0000 == 0
      let nearest = !above.isFinite || down < up || (down == up && isBelowEven) ? below : above
      #expect(result.bitPattern == nearest.bitPattern, "\(value)")
    }
    let greatest = Float(bitPattern: 0x7F7F_0000)
    let saturated = try decoded(
      try frame([.greatestFiniteMagnitude, -.greatestFiniteMagnitude], .bf16), .bf16, count: 2)
    #expect(saturated == [greatest, -greatest])
  }

  /// Every block has a scale of its own, and what is lost stays behind, at most half a scale per value.
  @Test(arguments: lengths) func int8LosesHalfAScaleAtMost(length: Int) throws {
    let coder = try GradientCoder(.int8)
    let values = GradientSamples.gradient(length)
    var errors = values
    var span = errors.mutableSpan
    var frame: [UInt8] = []
    coder.encodeLeavingErrors(in: &span, into: &frame)
    let results = try decoded(frame, .int8, count: length)
    for start in stride(from: 0, to: length, by: 256) {
      let block = start..<min(start + 256, length)
      let scale = values[block].map(\.magnitude).max().map { $0 / 127 } ?? 0
      for index in block {
        #expect(errors[index] == values[index] - results[index])
        #expect(errors[index].magnitude <= scale * 0.50001)
      }
    }
    #expect(frame == (try self.frame(values, .int8)))
  }

  /// Scales at the ends of the range neither overflow nor divide by zero.
  @Test func int8AtTheEnds() throws {
    let greatest = Float.greatestFiniteMagnitude
    for values: [Float] in [
      [greatest, -greatest, 1], [.leastNonzeroMagnitude, -3 * .leastNonzeroMagnitude],
      [190 * .leastNonzeroMagnitude], [0, -0.0], [.leastNormalMagnitude, 0],
    ] {
      let coder = try GradientCoder(.int8)
      var errors = values
      var span = errors.mutableSpan
      var frame: [UInt8] = []
      coder.encodeLeavingErrors(in: &span, into: &frame)
      let results = try decoded(frame, .int8, count: values.count)
      for index in values.indices {
        #expect(results[index].isFinite && errors[index].isFinite)
        #expect(errors[index] == values[index] - results[index])
        #expect(errors[index].magnitude <= max(values.map(\.magnitude).max() ?? 0, 0))
      }
    }
  }

  @Test func leavesNoErrorWhereNothingIsLost() throws {
    var values = GradientSamples.gradient(300)
    var span = values.mutableSpan
    var frame: [UInt8] = []
    try GradientCoder(.exact).encodeLeavingErrors(in: &span, into: &frame)
    #expect(values.allSatisfy { $0 == 0 })
  }

  /// Byte 6 tells whether Zstandard made the payload smaller; where it did not, the planes stand there as they are.
  @Test func whatDoesNotCompressIsStored() throws {
    let noise = try frame(GradientSamples.noise(5000), .exact)
    #expect(noise[6] == 1 && noise.count == 28 + 20_000)
    let alike = try frame([Float](repeating: 0.25, count: 5000), .exact)
    #expect(alike[6] == 0 && alike.count < 200)
    #expect(try frame(GradientSamples.gradient(70_000), .exact).count < 70_000 * 4)
    #expect(try frame([], .int8).count == 28)
  }

  /// One coder for frames of any length, longer and shorter ones in turn.
  @Test(arguments: GradientCodec.allCases) func buffersDoNotRemember(codec: GradientCodec) throws {
    let coder = try GradientCoder(codec)
    var frame: [UInt8] = []
    for length in [1000, 3, 70_000, 0, 512] {
      let values = GradientSamples.gradient(length)
      coder.encode(values.span, into: &frame)
      #expect(frame == (try self.frame(values, codec)))
      var results = [Float](repeating: .nan, count: length)
      try coder.decode(frame, into: &results)
      #expect(results == (try decoded(frame, codec, count: length)))
    }
  }
}
