/// The generator behind every choice of calibration data: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014, with the constants of Vigna's `splitmix64.c`).
///
/// The choice must be the same on each rank, machine and version, and the standard library's generators cannot be seeded;
/// so this one, and the shuffle that uses it, are part of Espalier's file formats, as it were: they do not change.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number below `bound`: the high word of the next one times `bound`. The bias is below `bound` / 2⁶⁴.
  private mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// 0 ..< `count`, shuffled by Fisher and Yates from the last place to the second.
  public mutating func permutation(_ count: Int) -> [Int] {
    var places = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { places.swapAt(last, below(last + 1)) }
    return places
  }
}
