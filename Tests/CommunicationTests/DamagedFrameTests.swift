import Communication
import CommunicationTestSupport
import TestSupport
import Testing

/// Whatever bytes come in, decoding ends with values or with an error that says what is wrong.
@Suite struct DamagedFrameTests {
  /// A frame that was compressed, and one that could not be.
  private static func frames(_ codec: GradientCodec) throws -> [(bytes: [UInt8], count: Int)] {
    let coder = try GradientCoder(codec)
    return [[Float](repeating: 3, count: 300), GradientSamples.noise(40).map { $0 == 0 ? 1 : $0 }].map { values in
      var bytes: [UInt8] = []
      coder.encode(values.span, into: &bytes)
      return (bytes, values.count)
    }
  }

  /// The error that decoding ends with; nil when it gives values.
  private static func damage(_ frame: [UInt8], _ codec: GradientCodec, count: Int) throws -> CommunicationError? {
    var values = [Float](repeating: 0, count: count)
    let coder = try GradientCoder(codec)
    do throws(CommunicationError) {
      try coder.decode(frame, into: &values)
      let isFinite = values.allSatisfy { $0.isFinite }
      #expect(isFinite)
      return nil
    } catch {
      #expect(error.code == .damaged && error.message.hasPrefix("a gradient message is damaged: "))
      #expect(!error.message.contains("\n"))
      return error
    }
  }

  /// CRC-32 bit by bit (RFC 1952, section 8), to make damage that the checksum does not show.
  private static func sealed(_ frame: [UInt8]) -> [UInt8] {
    var crc = UInt32.max
    for byte in frame[..<24] + frame[28...] {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    var frame = frame
    for index in 0..<4 { frame[24 + index] = UInt8(truncatingIfNeeded: ~crc >> (8 * UInt32(index))) }
    return frame
  }

  @Test(arguments: GradientCodec.allCases) func everyTruncation(codec: GradientCodec) throws {
    for (bytes, count) in try Self.frames(codec) {
      #expect(try Self.damage(bytes, codec, count: count) == nil)
      #expect(Self.sealed(bytes) == bytes)
      for length in 0..<bytes.count {
        #expect(try Self.damage(Array(bytes[..<length]), codec, count: count) != nil)
      }
      #expect(try Self.damage(bytes + [0], codec, count: count) != nil)
    }
  }

  @Test(arguments: GradientCodec.allCases) func everyFlippedBit(codec: GradientCodec) throws {
    for (bytes, count) in try Self.frames(codec) {
      for bit in 0..<bytes.count * 8 {
        var flipped = bytes
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(try Self.damage(flipped, codec, count: count) != nil)
      }
    }
  }

  /// Damage with a right checksum, as someone would make it who means harm: never a crash, and always finite values.
  @Test(arguments: GradientCodec.allCases) func damageWithTheRightChecksum(codec: GradientCodec) throws {
    var random = SeededGenerator(seed: 3)
    var errors = 0
    for (bytes, count) in try Self.frames(codec) {
      for _ in 0..<3000 {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if try Self.damage(Self.sealed(changed), codec, count: count) != nil { errors += 1 }
      }
      for length in 28..<bytes.count {
        errors += try Self.damage(Self.sealed(Array(bytes[..<length])), codec, count: count) == nil ? 0 : 1
      }
    }
    #expect(errors > 100)
  }

  @Test func hostileHeaders() throws {
    let (bytes, count) = try Self.frames(.exact)[0]
    func damage(_ change: (inout [UInt8]) -> Void, count: Int = count) throws -> String {
      var changed = bytes
      change(&changed)
      return try Self.damage(Self.sealed(changed), .exact, count: count)?.message ?? "none"
    }
    let huge = [UInt8](repeating: 0xFF, count: 8)
    #expect(try damage { $0.replaceSubrange(8..<16, with: huge) }.contains("18446744073709551615 values, not 300"))
    #expect(try damage { $0.replaceSubrange(16..<24, with: huge) }.contains("says 18446744073709551615 bytes"))
    #expect(try damage { $0[0] = 0 }.contains("ESGX"))
    #expect(try damage { $0[4] = 2 }.contains("version 2"))
    #expect(try damage { $0[5] = 3 }.contains("codec 3, not 1 (exact)"))
    #expect(try damage { $0[5] = 77 }.contains("codec 77"))
    #expect(try damage { $0[6] = 4 }.contains("flags"))
    #expect(try damage { $0[7] = 1 }.contains("flags"))
    #expect(try damage { $0[6] = 1 }.contains("stored bytes are not 300 values"))
    // A payload that would unpack to more than the header says, or to less.
    #expect(try damage({ $0[8...9] = [10, 0] }, count: 10).contains("Zstandard"))
    #expect(try damage({ $0[8...9] = [0x2D, 1] }, count: 301).contains("1200 bytes of planes, not 1204"))
  }

  /// A scale of NaN, or planes of it, would poison every sum.
  @Test func valuesThatAreNotFinite() throws {
    for (codec, index) in [(GradientCodec.int8, 31), (.none, 31), (.exact, 28), (.bf16, 28)] {
      var bytes: [UInt8] = []
      let values = codec == .int8 ? GradientSamples.gradient(40) : GradientSamples.noise(40)
      try GradientCoder(codec).encode(values.span, into: &bytes)
      #expect(bytes[6] == 1)
      // The highest byte of the first scale or value, and with it the next one.
      bytes[index] = 0x7F
      bytes[codec == .exact || codec == .bf16 ? 28 + 40 : 30] = 0xFF
      let error = try Self.damage(Self.sealed(bytes), codec, count: 40)
      #expect(error?.message.contains("value 0 is not finite") == true, "\(codec): \(error?.message ?? "none")")
    }
  }
}
