internal import Foundation

/// Numbers as the closing table writes them, in no locale.
package enum TableNumber {
  /// `134515008` → `134,515,008`.
  package static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var result = number < 0 ? "−" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return result
  }

  /// `1 rank`, `1,024 ranks`.
  package static func counted(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// `number` with `decimals` digits after the point; very large ones with an exponent, so that columns hold.
  package static func fixed(_ number: Double, _ decimals: Int) -> String {
    guard number.isFinite else { return number.isNaN ? "not a number" : number > 0 ? "infinite" : "−infinite" }
    return number.magnitude < 1e8 ? String(format: "%.\(decimals)f", number) : String(format: "%.2e", number)
  }

  /// `0.3` → `30.00 %`.
  package static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

  /// The change from `before` to `after`, `−26.8 %` or `+1.0 %`; empty when there was nothing before.
  package static func change(_ before: Int, _ after: Int) -> String {
    guard before > 0 else { return "" }
    let percent = (Double(after) / Double(before) - 1) * 100
    let text = fixed(percent.magnitude, 1)
    return (text == "0.0" ? "±" : percent < 0 ? "−" : "+") + text + " %"
  }

  /// A rate with three digits that mean something: `12,345`, `123`, `12.3`, `1.23`.
  package static func rate(_ value: Double) -> String {
    switch value.magnitude {
    case 100..<1e15: grouped(Int(value.rounded()))
    case 10..<100: fixed(value, 1)
    default: fixed(value, 2)
    }
  }
}
