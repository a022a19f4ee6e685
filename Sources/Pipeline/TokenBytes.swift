/// Tokens as bytes, to hash them and to send them.
extension [Int32] {
  /// Four bytes a token, the lowest first.
  var littleEndianBytes: [UInt8] {
    flatMap { token in (0..<4).map { UInt8(truncatingIfNeeded: token >> (8 * Int32($0))) } }
  }

  /// The tokens of ``littleEndianBytes``.
  init(littleEndianBytes bytes: [UInt8]) {
    self = stride(from: 0, to: bytes.count, by: 4).map { place in
      (0..<4).reduce(0) { $0 | Int32(truncatingIfNeeded: UInt32(bytes[place + $1]) << (8 * UInt32($1))) }
    }
  }
}
