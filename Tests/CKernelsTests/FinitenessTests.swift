import CKernels
import Testing

/// The first number that is none, at every place around a block's and a vector's end, by bytes of any alignment.
@Suite struct FinitenessTests {
  enum Kind: CaseIterable {
    case float32, bfloat16, float16

    var width: Int { self == .float32 ? 4 : 2 }

    /// Bit patterns: finite ones of the largest exponent, and those that are not.
    var finite: [UInt32] {
      switch self {
      case .float32: [0, 0x8000_0000, 0x7F7F_FFFF, 0xFF7F_FFFF, 1, 0x007F_FFFF, 0x3F80_0000]
      case .bfloat16: [0, 0x8000, 0x7F7F, 0xFF7F, 1, 0x007F, 0x3F80]
      case .float16: [0, 0x8000, 0x7BFF, 0xFBFF, 1, 0x03FF, 0x3C00]
      }
    }
    var others: [UInt32] {
      switch self {
      case .float32: [0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0x7FC0_0000, 0xFFFF_FFFF]
      case .bfloat16: [0x7F80, 0xFF80, 0x7F81, 0x7FC0, 0xFFFF]
      case .float16: [0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFFFF]
      }
    }

    func first(_ bytes: [UInt8], offset: Int, count: Int) -> Int {
      unsafe bytes.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return -1 }
        let base = unsafe start + offset
        return switch self {
        case .float32: unsafe ck_first_not_finite_float32(base, count)
        case .bfloat16: unsafe ck_first_not_finite_bfloat16(base, count)
        case .float16: unsafe ck_first_not_finite_float16(base, count)
        }
      }
    }

    func bytes(_ patterns: [UInt32], offset: Int) -> [UInt8] {
      Array(repeating: 0xFF, count: offset)
        + patterns.flatMap { bits in (0..<width).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) } }
        + Array(repeating: 0xFF, count: 8)
    }
  }

  @Test(arguments: Kind.allCases, 0..<4) func findsTheFirst(kind: Kind, offset: Int) {
    for count in [1, 2, 15, 16, 17, 31, 33, 64, 100] {
      let numbers = (0..<count).map { kind.finite[$0 % kind.finite.count] }
      #expect(kind.first(kind.bytes(numbers, offset: offset), offset: offset, count: count) == count)
      for place in 0..<count {
        var poisoned = numbers
        poisoned[place] = kind.others[place % kind.others.count]
        if place + 3 < count { poisoned[place + 3] = kind.others[0] }
        #expect(kind.first(kind.bytes(poisoned, offset: offset), offset: offset, count: count) == place)
      }
    }
    #expect(kind.first(kind.bytes([], offset: offset), offset: offset, count: 0) == 0)
  }

  @Test(arguments: Kind.allCases) func blocksJoin(kind: Kind) {
    let count = 3 * 4096 + 5
    let numbers = (0..<count).map { kind.finite[$0 % kind.finite.count] }
    #expect(kind.first(kind.bytes(numbers, offset: 1), offset: 1, count: count) == count)
    for place in [0, 4095, 4096, 8191, 8192, count - 1] {
      for pattern in kind.others {
        var poisoned = numbers
        poisoned[place] = pattern
        #expect(kind.first(kind.bytes(poisoned, offset: 1), offset: 1, count: count) == place)
      }
    }
  }

  /// Every half there is.
  @Test func everyHalf() {
    for bits in UInt32(0)...0xFFFF {
      let isBFloat16 = Kind.bfloat16.first(Kind.bfloat16.bytes([bits], offset: 0), offset: 0, count: 1) == 1
      let isFloat16 = Kind.float16.first(Kind.float16.bytes([bits], offset: 0), offset: 0, count: 1) == 1
      if isBFloat16 != Float(bitPattern: bits << 16).isFinite || isFloat16 != (bits & 0x7C00 != 0x7C00) {
        Issue.record("\(bits)")
      }
    }
  }
}
