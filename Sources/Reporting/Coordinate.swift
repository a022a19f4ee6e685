internal import Foundation

/// Numbers inside SVG.
enum Coordinate {
  /// `x` with at most two decimals; the drawings are some hundred units wide.
  static func text(_ x: Double) -> String {
    guard x.magnitude < 1e9 else { return "0" }
    let rounded = (x * 100).rounded() / 100
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(format: "%g", rounded)
  }

  /// About how wide `text` is drawn at `size` units: digits of the usual fonts are 0.56 of the size, wide capitals more.
  static func width(of text: String, size: Double) -> Double { Double(text.count) * size * 0.58 }

  /// `text` cut so that it is drawn within `width`.
  static func fitted(_ text: String, width: Double, size: Double) -> String {
    let most = max(1, Int(width / (size * 0.58)))
    return text.count <= most ? text : text.prefix(most - 1) + "…"
  }
}
