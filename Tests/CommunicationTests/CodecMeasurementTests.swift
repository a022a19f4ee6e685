import Communication
import CommunicationTestSupport
import Testing

@Suite struct CodecMeasurementTests {
  @Test func followsTheRule() throws {
    let measured = try CodecMeasurement(.bf16, of: GradientSamples.gradient(100_000))
    #expect(measured.uncompressedBytes == 400_000 && measured.ratio > 2)
    #expect(measured.ratio == 400_000 / Double(measured.compressedBytes))
    let limit = (1 - 1 / measured.ratio) / (1 / measured.encodeRate + 1 / measured.decodeRate)
    #expect(measured.breakEvenBandwidth == limit && limit > 0)
    #expect(measured.pays(atBytesPerSecond: limit / 2) && !measured.pays(atBytesPerSecond: limit * 2))
    #expect(!measured.pays(atBytesPerSecond: .infinity))
  }

  /// On no link does it pay to pack what does not become smaller.
  @Test func neverPaysForNoise() throws {
    for values in [GradientSamples.noise(5000), []] {
      let measured = try CodecMeasurement(.exact, of: values)
      #expect(measured.ratio <= 1 && measured.breakEvenBandwidth == 0)
      #expect(!measured.pays(atBytesPerSecond: 1e-9))
    }
  }

  @Test func aLoneRankHasNoLink() throws {
    #expect(try SoloCommunicator().measuredBandwidth() == .infinity)
  }
}

@Suite struct EntropyBoundTests {
  @Test func countsBitsPerPlane() throws {
    let alike = try EntropyBound(of: [Float](repeating: 2.5, count: 1000))
    #expect(alike.planeBits == [0, 0, 0, 0] && alike.bytes == 0 && alike.ratio == .infinity)
    // The lowest byte takes all values equally often, the next one two, the others one.
    let values = (0..<512).map { Float(bitPattern: 0x3F80_0000 + UInt32($0)) }
    let bound = try EntropyBound(of: values)
    #expect(bound.planeBits == [0, 0, 1, 8])
    #expect(bound.bytes == 512 * 9 / 8 && bound.ratio == 32 / 9.0)
    #expect(try EntropyBound(of: []).ratio == 1)
  }

  @Test func followsTheCodec() throws {
    let values = GradientSamples.gradient(50_000)
    #expect(try EntropyBound(of: values, codec: .none) == EntropyBound(of: values.reversed(), codec: .none))
    #expect(try EntropyBound(of: values, codec: .none).ratio == 1)
    #expect(try EntropyBound(of: values, codec: .bf16).planeBits.count == 2)
    let int8 = try EntropyBound(of: values, codec: .int8)
    #expect(int8.planeBits.count == 2 && int8.ratio > 4)
    // Of values of one distribution, which do not repeat, no code of bytes gets below the bound.
    let alike = values.indices.filter { $0 / 300 % 3 == 1 }.map { values[$0] }
    for codec in [GradientCodec.exact, .bf16, .int8] {
      let compressed = try CodecMeasurement(codec, of: alike).compressedBytes
      let bound = try EntropyBound(of: alike, codec: codec)
      #expect(Double(compressed) > bound.bytes && Double(compressed) < bound.bytes * 1.1, "\(codec)")
    }
  }
}
