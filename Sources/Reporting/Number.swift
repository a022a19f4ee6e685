internal import Artifacts
internal import Foundation

/// Numbers of the page, in no locale.
enum Number {
  /// Four digits that mean something: `0.4123`, `23.48`, `1,234`.
  static func short(_ value: Double) -> String {
    switch value.magnitude {
    case 1e8...: TableNumber.fixed(value, 0)
    case 1000...: TableNumber.grouped(Int(value.rounded()))
    case 100...: TableNumber.fixed(value, 1)
    case 10...: TableNumber.fixed(value, 2)
    case 0.001...: TableNumber.fixed(value, 4)
    case 0: "0"
    default: value.isNaN ? TableNumber.fixed(value, 0) : String(format: "%.2e", value)
    }
  }

  /// A whole number, however large.
  static func whole(_ value: Double) -> String {
    value.magnitude < 1e15 ? TableNumber.grouped(Int(value)) : TableNumber.fixed(value, 0)
  }

  /// `0.3` → `30.0 %`.
  static func share(_ value: Double) -> String { TableNumber.fixed(value * 100, 1) + " %" }

  /// `12.3 MB`.
  static func bytes(_ count: Int) -> String { ByteSize(bytes: max(0, count)).rounded }

  /// Seconds for a column: `0.02`, `12.3`.
  static func seconds(_ seconds: Double) -> String { TableNumber.fixed(seconds, seconds < 9.95 ? 2 : 1) }

  /// Seconds as a person would say them: `4.5 s`, `3 min 20 s`, `2 h 05 min`.
  static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return TableNumber.fixed(seconds, 0) + (seconds.isFinite ? " s" : "") }
    guard seconds >= 99.5 else { return self.seconds(seconds) + " s" }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? "\(whole / 60) min \(padded(whole % 60)) s" : "\(whole / 3600) h \(padded(whole % 3600 / 60)) min"
  }

  private static func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
}
