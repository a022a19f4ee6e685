/// How gradients are written for the wire.
public enum GradientCodec: String, Sendable, CaseIterable {
  /// Byte planes (every value's highest byte, then every next one, …), each through Zstandard at level 1. Decodes to the
  /// same bits, so a sum is the uncompressed one's bit for bit.
  case exact
  /// Values rounded to bfloat16, ties to even, then as `exact`. A part is rounded twice: by its sender, and as a sum.
  case bf16
  /// Whole numbers from -127 to 127 with a float32 scale per 256 values, through Zstandard. What rounding loses is kept
  /// and added to the next step's gradient (error feedback: Seide et al. 2014, Karimireddy et al. 2019).
  case int8
  /// Float32 as it lies in memory, little-endian.
  case none

  /// Whether decoding gives back the same bits.
  public var isLossless: Bool { self == .exact || self == .none }

  /// The codec's number in a frame; never given anew.
  var number: UInt8 {
    switch self {
    case .none: 0
    case .exact: 1
    case .bf16: 2
    case .int8: 3
    }
  }

  /// How `count` values are laid out before Zstandard.
  func planes(of count: Int) -> Planes {
    switch self {
    case .none: Planes(scaleBytes: 0, planes: 1, bytesPerPlane: count * 4)
    case .exact: Planes(scaleBytes: 0, planes: 4, bytesPerPlane: count)
    case .bf16: Planes(scaleBytes: 0, planes: 2, bytesPerPlane: count)
    case .int8: Planes(scaleBytes: (count / 256 + (count % 256 == 0 ? 0 : 1)) * 4, planes: 1, bytesPerPlane: count)
    }
  }

  /// Scales first, then planes of equal length.
  struct Planes {
    let scaleBytes: Int
    let planes: Int
    let bytesPerPlane: Int

    var byteCount: Int { scaleBytes + planes * bytesPerPlane }

    /// Bytes of scales, where there are any, and of each plane.
    var lengths: [Int] { (scaleBytes > 0 ? [scaleBytes] : []) + Array(repeating: bytesPerPlane, count: planes) }
  }
}
