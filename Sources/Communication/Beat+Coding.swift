extension Beat {
  /// Bytes of every message, whatever it says.
  public static let messageBytes = 256

  private static let textBytes = 46

  /// Flags, both counts, and four texts of at most 46 bytes, each after its length; zeros up to ``messageBytes``.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = [(isWaiting ? 1 : 0) | (isGoodbye ? 2 : 0)]
    for count in [ticks, waits] { bytes += (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) } }
    for text in [phase, place, progress, lastPhase] {
      let part = text.utf8.prefix(Self.textBytes)
      bytes += [UInt8(part.count)] + part
    }
    return bytes + [UInt8](repeating: 0, count: Self.messageBytes - bytes.count)
  }

  /// Nil for bytes that are no beat.
  public init?(encoded bytes: [UInt8]) {
    guard bytes.count == Self.messageBytes, bytes[0] < 4 else { return nil }
    func number(at start: Int) -> UInt64 {
      bytes[start..<(start + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    isWaiting = bytes[0] & 1 != 0
    isGoodbye = bytes[0] & 2 != 0
    (ticks, waits) = (number(at: 1), number(at: 9))
    var texts: [String] = []
    var start = 17
    for _ in 0..<4 {
      let count = Int(bytes[start])
      guard count <= Self.textBytes else { return nil }
      texts.append(oneLine(String(decoding: bytes[(start + 1)..<(start + 1 + count)], as: UTF8.self)))
      start += 1 + count
    }
    (phase, place, progress, lastPhase) = (texts[0], texts[1], texts[2], texts[3])
  }
}
