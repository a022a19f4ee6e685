internal import Artifacts

/// Aligned plain text of a benchmark: lines of a label and a text, and columns whose first is on the left.
struct BenchmarkTable {
  private var lines: [String] = []

  /// Lines of `label  text`, the texts under each other.
  mutating func facts(_ facts: [(label: String, text: String)]) {
    let width = facts.map(\.label.count).max() ?? 0
    lines += facts.map { Self.padded($0.label, width) + "  " + $0.text }
  }

  /// An empty line, and rows of as many cells each: the first row names the columns.
  mutating func columns(_ rows: [[String]]) {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    lines.append("")
    lines += rows.map { row in
      let line = row.enumerated().map { column, cell in
        column == 0
          ? Self.padded(cell, widths[0]) : String(repeating: " ", count: widths[column] - cell.count + 2) + cell
      }.joined()
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// An empty line, and a text.
  mutating func note(_ text: [String]) { lines += [""] + text }

  /// All of it.
  var text: String { lines.joined(separator: "\n") }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// `87 %`.
  static func share(_ share: Double) -> String { TableNumber.fixed(share * 100, 0) + " %" }

  /// `3.42 ms`, `1.2 s`.
  static func time(_ seconds: Double) -> String {
    seconds < 1 ? TableNumber.rate(seconds * 1e3) + " ms" : TableNumber.fixed(seconds, 2) + " s"
  }
}
