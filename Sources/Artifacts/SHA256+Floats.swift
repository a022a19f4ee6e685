internal import Crypto

extension SHA256 {
  /// Adds the bits of `values`, the lowest byte of each first.
  mutating func update(bitsOf values: [Float]) {
    update(data: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
  }
}
