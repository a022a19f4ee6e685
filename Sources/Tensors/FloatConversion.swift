/// Loops between `Float` and the two 16-bit types, without branches, so that the compiler makes vectors of them.
///
/// They work on bits rather than on `Float16`, whose conversions are calls into the runtime library on processors
/// without F16C. Bytes are little-endian, as is every machine that Espalier builds on.
enum FloatConversion {
  @unsafe static func bfloat16ToFloat(_ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count {
      let bits = unsafe source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
      unsafe target[index] = Float(bitPattern: UInt32(truncatingIfNeeded: bits) &<< 16)
    }
  }

  @unsafe static func float16ToFloat(_ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count {
      let half = unsafe source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
      unsafe target[index] = Float(bitPattern: floatBits(ofFloat16: UInt32(truncatingIfNeeded: half)))
    }
  }

  @unsafe static func floatToBFloat16(_ source: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, count: Int) {
    for index in 0..<count {
      let bits = bfloat16Bits(of: unsafe source[index].bitPattern)
      unsafe target.storeBytes(of: bits, toByteOffset: index &* 2, as: UInt16.self)
    }
  }

  @unsafe static func floatToFloat16(_ source: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, count: Int) {
    for index in 0..<count {
      let bits = float16Bits(of: unsafe source[index].bitPattern)
      unsafe target.storeBytes(of: bits, toByteOffset: index &* 2, as: UInt16.self)
    }
  }

  /// Moves the exponent's bias from 15 to 127. A subnormal half is m·2⁻²⁴: as the low bits of ½, whose last bit is worth
  /// 2⁻²⁴, less ½, it comes out exactly even where the processor flushes subnormals.
  @inline(__always) private static func floatBits(ofFloat16 half: UInt32) -> UInt32 {
    let magnitude = half & 0x7FFF
    let normal = (magnitude &<< 13) &+ (112 &<< 23)
    let subnormal = (Float(bitPattern: 0x3F00_0000 | magnitude) - 0.5).bitPattern
    let infinite = normal &+ (112 &<< 23)
    let bits = magnitude < 0x0400 ? subnormal : (magnitude < 0x7C00 ? normal : infinite)
    return bits | ((half & 0x8000) &<< 16)
  }

  /// Rounds to nearest, ties to even; a NaN stays one even where its payload is only in the bits dropped.
  @inline(__always) private static func bfloat16Bits(of bits: UInt32) -> UInt16 {
    let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
    let quiet = (bits &>> 16) | 0x40
    return UInt16(truncatingIfNeeded: (bits & 0x7FFF_FFFF) > 0x7F80_0000 ? quiet : rounded)
  }

  /// Rounds to nearest, ties to even; too large becomes infinite. A result below the normal range is rounded by adding
  /// ½, whose last bit is worth the smallest subnormal half.
  @inline(__always) private static func float16Bits(of bits: UInt32) -> UInt16 {
    let magnitude = bits & 0x7FFF_FFFF
    let rebiased = magnitude &- (112 &<< 23) &+ 0xFFF &+ ((magnitude &>> 13) & 1)
    let normal = rebiased &>> 13
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let special: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
    let half = magnitude < 0x3880_0000 ? subnormal : (magnitude < 0x4780_0000 ? normal : special)
    return UInt16(truncatingIfNeeded: half | ((bits &>> 16) & 0x8000))
  }
}
