internal import CKernels
internal import Foundation

/// How far a codec's bytes could be packed by a code that knows how often each byte stands in its plane, but not what
/// stands beside it: Shannon's entropy of order 0. Zstandard goes below it only where bytes repeat in
/// stretches, or where their frequencies change along the way, as from layer to layer.
public struct EntropyBound: Sendable, Equatable {
  /// Bits per byte of each plane, from 0 to 8, in the order of the codec; for `int8` the plane of scales is the first.
  /// For `none`, which packs nothing, one plane of 8.
  public let planeBits: [Double]
  /// Bytes of the values as float32.
  public let uncompressedBytes: Int
  /// The least number of bytes that they take, without header.
  public let bytes: Double

  /// Counts the bytes of all planes that `codec` makes of `values`. Not collective.
  ///
  /// - Throws: `CommunicationError` when there is no memory.
  public init(of values: [Float], codec: GradientCodec = .exact) throws(CommunicationError) {
    uncompressedBytes = values.count * 4
    guard codec != .none else {
      planeBits = [8]
      bytes = Double(uncompressedBytes)
      return
    }
    let lengths = codec.planes(of: values.count).lengths
    planeBits = try unsafe GradientCoder(codec).withPlanes(of: values.span) { planes in
      var start = 0
      return lengths.map { length in
        defer { start += length }
        return unsafe Self.bits(UnsafeRawBufferPointer(rebasing: planes[start..<start + length]))
      }
    }
    bytes = zip(planeBits, lengths).reduce(0) { $0 + $1.0 * Double($1.1) / 8 }
  }

  /// The best ratio; 1 for no values, infinite where nothing is to be told.
  public var ratio: Double { uncompressedBytes > 0 ? Double(uncompressedBytes) / bytes : 1 }

  /// −Σ p log2 p over the 256 bytes.
  private static func bits(_ bytes: UnsafeRawBufferPointer) -> Double {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return 0 }
    var counts = [UInt64](repeating: 0, count: 256)
    unsafe ck_count_bytes(&counts, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    let total = Double(bytes.count)
    return counts.reduce(0) { sum, count in
      count > 0 ? sum + Double(count) / total * log2(total / Double(count)) : sum
    }
  }
}
