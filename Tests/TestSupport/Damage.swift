/// What can happen to a file's bytes: each of them flipped in turn, and the file cut off at every length.
public enum Damage {
  /// Hands every damaged form of `bytes` to `body`, with what it is, in words; beyond `limit` places, as many spread evenly.
  ///
  /// The bits that are flipped change from place to place, so that white space becomes other white space, digits other
  /// digits and letters the other case somewhere.
  public static func each(
    of bytes: [UInt8], limit: Int = 1000, _ body: (_ damaged: [UInt8], _ what: String) throws -> Void
  ) rethrows {
    let step = max(1, bytes.count / limit)
    for place in stride(from: 0, to: bytes.count, by: step) {
      for mask in masks(of: bytes[place], place) {
        var flipped = bytes
        flipped[place] ^= mask
        try body(flipped, "byte \(place) of \(bytes.count) ^ \(mask)")
      }
      try body(Array(bytes.prefix(place)), "the first \(place) bytes of \(bytes.count)")
    }
    if bytes.count > 1 { try body(Array(bytes.dropLast()), "without the last byte") }
    try body(bytes + [0x20], "with a space at the end")
  }

  /// One bit that depends on the place, and what turns white space and letters into their like.
  private static func masks(of byte: UInt8, _ place: Int) -> [UInt8] {
    let bit = UInt8(1) << UInt8(place % 8)
    switch byte {
    case 0x20: return [bit, 0x20 ^ 0x09]
    case 0x0A: return [bit, 0x0A ^ 0x0D]
    case 0x41...0x5A, 0x61...0x7A: return Array(Set([bit, 0x20]))
    default: return [bit]
    }
  }
}
