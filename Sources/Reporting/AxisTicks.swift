internal import Foundation

/// An axis from a round number to a round number, with ticks at 1, 2 or 5 times a power of ten.
struct AxisTicks {
  /// The ticks from low to high; at least two.
  let values: [Double]
  let step: Double

  var low: Double { values[0] }
  var high: Double { values[values.count - 1] }

  /// Numbers beyond this are not drawn: their differences would overflow.
  static let largest = 1e300

  /// The axis that holds `values`, all finite and within ±``largest``, in about `count` steps.
  ///
  /// - Parameters:
  ///   - holdsZero: whether the axis begins (or ends) at zero at the latest, as for bars.
  ///   - isWhole: whether only whole numbers make sense between ticks.
  init(_ values: [Double], count: Int = 5, holdsZero: Bool = false, isWhole: Bool = false) {
    var low = values.min() ?? 0
    var high = values.max() ?? 1
    if holdsZero {
      low = min(low, 0)
      high = max(high, 0)
    }
    // A range below what Double tells apart would never end.
    let magnitude = max(low.magnitude, high.magnitude)
    if high - low <= max(magnitude * 1e-9, 1e-290) {
      let margin = magnitude > 1e-280 ? magnitude * 0.1 : 1
      if low < 0 || !holdsZero { low -= margin }
      high += margin
    }
    step = Self.roundStep((high - low) / Double(count), isWhole: isWhole)
    // 0.9 in steps of 0.05 begins at 18 steps, not at 17, though the quotient is a little below 18.
    let (first, last) = ((low / step + 1e-6).rounded(.down), (high / step - 1e-6).rounded(.up))
    let step = step
    self.values = (0...Int(max(1, last - first))).map { (first + Double($0)) * step }
  }

  /// The smallest of 1, 2, 5, 10 × a power of ten that is at least `step`.
  private static func roundStep(_ step: Double, isWhole: Bool) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let factor = [1.0, 2, 5].first { $0 * power >= step * (1 - 1e-9) } ?? 10
    return isWhole ? max(1, factor * power) : factor * power
  }

  /// The share of the way from low to high at `value`.
  func position(_ value: Double) -> Double { (value - low) / (high - low) }

  /// A tick's label, with as many decimals as the step has: `0.25`, `1,500`, `2.5e6`.
  func label(_ value: Double) -> String {
    let magnitude = max(low.magnitude, high.magnitude)
    let exponent = Int(log10(step * (1 + 1e-9)).rounded(.down))
    if magnitude >= 1e6 || exponent < -4 {
      guard value.magnitude > step / 2 else { return "0" }
      let digits = max(0, Int(log10(value.magnitude * (1 + 1e-9)).rounded(.down)) - exponent)
      return Self.shortened(String(format: "%.\(digits)e", value))
    }
    let text = String(format: "%.\(max(0, -exponent))f", value.magnitude <= step * 1e-6 ? 0 : value)
    let sign = text.hasPrefix("-") ? "−" : ""
    let parts = text.drop { $0 == "-" }.split(separator: ".")
    return sign + Self.grouped(parts[0]) + (parts.count > 1 ? "." + parts[1] : "")
  }

  /// `1.5e+06` → `1.5e6`.
  private static func shortened(_ text: String) -> String {
    let parts = text.split(separator: "e")
    return "\(parts[0].replacing("-", with: "−"))e\(Int(parts[1]) ?? 0)".replacing("e-", with: "e−")
  }

  private static func grouped(_ digits: Substring) -> String {
    digits.enumerated().reduce(into: "") { text, digit in
      if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text.append(",") }
      text.append(digit.element)
    }
  }
}
