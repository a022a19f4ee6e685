import Testing

/// Rounding and widening at addresses of every alignment and at every length around a vector's. TensorsTests checks the
/// values of the two types, bit pattern by bit pattern.
@Suite struct ConversionTests {
  /// Numbers of every exponent, ties among them, and the special ones.
  static let floats: [Float] =
    [0, -0, .infinity, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1 + 1 / 256, 1 + 3 / 256]
    + stride(from: UInt32(0), to: .max - 40_000_000, by: 40_000_000).map { Float(bitPattern: $0 | 0x8000) }

  /// Distances in double precision decide which neighbor is nearest, and of two the even one.
  @Test func bfloat16IsNearestAndEven() {
    let bytes = Kernels.round(Self.floats, toBFloat16: true)
    for (index, value) in Self.floats.enumerated() {
      let result = Float(bitPattern: UInt32(bytes[2 * index]) << 16 | UInt32(bytes[2 * index + 1]) << 24)
      guard value.isFinite else {
        #expect(value.isNaN ? result.isNaN : result == value)
        continue
      }
      let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
      let above = Double(below) + (value.sign == .minus ? -1 : 1) * Double(below.ulp) * 65536
      let (toBelow, toAbove) = (abs(Double(value) - Double(below)), abs(Double(value) - above))
      let isBelow = toBelow < toAbove || toBelow == toAbove && (value.bitPattern >> 16) & 1 == 0
      // 2^128, the one after the largest, is infinity.
      #expect(result == (isBelow ? below : Float(above)), "\(value)")
    }
  }

  @Test(arguments: 0..<4, [true, false]) func alignmentAndLengthDoNotMatter(offset: Int, isBFloat16: Bool) {
    for count in [0, 1, 2, 7, 15, 16, 17, 31, 33, 64, 100] {
      let values = Array(Self.floats.prefix(count))
      let aligned = Kernels.round(values, toBFloat16: isBFloat16)
      let bytes = Kernels.round(values, toBFloat16: isBFloat16, offset: offset)
      #expect(bytes == Array(repeating: Kernels.guardByte, count: offset) + aligned)
      // Widening is exact: rounding again gives the same.
      let widened = Kernels.widen(bytes, fromBFloat16: isBFloat16, offset: offset, count: count)
      #expect(Kernels.round(Array(widened[..<count]), toBFloat16: isBFloat16) == aligned)
      #expect(widened[count] == 7)
    }
  }
}
