/// SplitMix64: the same numbers in every run and on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number that float32 holds exactly, evenly spread over ±`scale`.
  mutating func number(scale: Double = 1) -> Double {
    let unit = Double(Int64(bitPattern: next()) >> 11) / Double(1 << 52)
    return Double(Float(unit * scale))
  }

  /// A table of such numbers; their root mean square is near 1 unless `scale` says otherwise.
  mutating func table(_ rows: Int, _ columns: Int, scale: Double = 1.75) -> Table {
    Table(rows, columns, (0..<rows * columns).map { _ in number(scale: scale) })
  }
}
