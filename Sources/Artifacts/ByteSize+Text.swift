internal import Foundation

extension ByteSize: CustomStringConvertible {
  /// The size in `text`: digits, perhaps a decimal fraction, perhaps a space, perhaps a unit.
  ///
  /// The units are B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024), in any letter case. A
  /// fraction must come out as whole bytes, so `1.5GB` is a size and `1.5` is none. `nil` for everything else, and for
  /// what does not fit in an `Int`.
  public init?(_ text: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    guard let multiplier = Self.multiplier(unit), let bytes = Self.bytes(number, times: multiplier) else { return nil }
    self.init(bytes: bytes)
  }

  /// The exact size in the unit that gives the smallest whole number; plain digits when no unit divides it. Reading it
  /// gives the same size again.
  public var description: String {
    var best: (count: Int, unit: String) = (bytes, "")
    for unit in Self.units where bytes > 0 && bytes % unit.bytes == 0 && bytes / unit.bytes < best.count {
      best = (bytes / unit.bytes, unit.name)
    }
    return "\(best.count)\(best.unit)"
  }

  /// The size for reading, rounded to one decimal in powers of 1000: `269.1 MB`, `12 B`.
  public var rounded: String {
    for unit in Self.units.prefix(4) where bytes >= unit.bytes {
      return String(format: "%.1f", Double(bytes) / Double(unit.bytes)) + " " + unit.name
    }
    return "\(bytes) B"
  }

  private static func multiplier(_ unit: Substring) -> Int? {
    if unit.isEmpty || unit == "B" || unit == "b" { return 1 }
    return units.first { $0.name.lowercased() == unit.lowercased() }?.bytes
  }

  /// `number` × `multiplier` in whole bytes, exactly: the digits without the point, times the multiplier, divided by
  /// the power of ten that the point stands for.
  private static func bytes(_ number: Substring, times multiplier: Int) -> Int? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    // Twelve decimals reach a single byte in the largest unit; more could only be zeros.
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), parts.last?.count ?? 0 <= 12 || parts.count == 1,
      let whole = Int(parts[0])
    else { return nil }
    let (base, overflow) = whole.multipliedReportingOverflow(by: multiplier)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return base }
    guard let numerator = Int(parts[1]) else { return nil }
    let denominator = (0..<parts[1].count).reduce(1) { power, _ in power * 10 }
    let product = numerator.multipliedFullWidth(by: multiplier)
    // numerator < denominator, so the quotient is below the multiplier and the division cannot trap.
    let (quotient, remainder) = denominator.dividingFullWidth(product)
    guard remainder == 0 else { return nil }
    let (total, carry) = base.addingReportingOverflow(quotient)
    return carry ? nil : total
  }
}
