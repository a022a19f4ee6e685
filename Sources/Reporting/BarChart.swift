internal import Foundation

/// Horizontal bars, as bar-chart.mustache draws them: one per row, or one per rank in a row's group.
struct BarChart {
  /// What a row shows.
  struct Row {
    let label: String
    /// The bars of the row, each with what a pointer over it is told; a number that is not finite has no bar.
    let bars: [(value: Double, title: String)]
    /// From the smallest to the largest of many, where ``bars`` is their median.
    var span: (low: Double, high: Double)?
    /// The row's number in words, to the right of the bars.
    let text: String
  }

  struct DrawnRow {
    let label: String
    let labelY: String
    let text: String
    let textX: String
    let bars: [DrawnBar]
    let span: DrawnSpan?
  }

  struct DrawnBar {
    let y: String
    let width: String
    let height: String
    /// 1 and 2 in turn, so that neighbors are told apart.
    let style: Int
    let title: String
  }

  struct DrawnSpan {
    let low: String
    let high: String
    let y: String
    let top: String
    let bottom: String
  }

  /// Which color is which, above the bars.
  struct Key {
    let style: Int
    let x: String
    let textX: String
    let text: String
  }

  let title: String
  let description: String
  let xTitle: String
  let keys: [Key]
  let rows: [DrawnRow]
  let ticks: [LineChart.Tick]
  let width = Coordinate.text(LineChart.width)
  let height: String
  let left: String
  let labelX: String
  let top: String
  let bottom: String
  let tickLabelY: String
  let titleY: String
  let middle: String

  private static let fontSize = 12.0
  private static let gap = 9.0

  /// Fewer rows are numbers, and no chart.
  static let leastRows = 3

  /// A chart of `rows`; nil when there are fewer than ``leastRows``.
  ///
  /// - Parameters:
  ///   - xTitle: what the bars count.
  ///   - isOfRanks: whether the bars of a row are ranks, by turns of two colors.
  init?(title: String, xTitle: String, rows: [Row], isOfRanks: Bool = false) {
    guard rows.count >= Self.leastRows else { return nil }
    let values = rows.flatMap { $0.bars.map(\.value) + [$0.span?.high ?? 0] }
      .filter { $0 >= 0 && $0 <= AxisTicks.largest }
    let axis = AxisTicks(values, count: 4, holdsZero: true)
    let labels = rows.map { Coordinate.fitted($0.label, width: 150, size: Self.fontSize) }
    let left = max(40, (labels.map { Coordinate.width(of: $0, size: Self.fontSize) }.max() ?? 0) + 12)
    let texts = rows.map { Coordinate.fitted($0.text, width: 120, size: Self.fontSize) }
    let textWidth = (texts.map { Coordinate.width(of: $0, size: Self.fontSize) }.max() ?? 0) + 8
    let right = LineChart.width - textWidth
    func x(_ value: Double) -> Double {
      left + axis.position(min(max(value.isNaN ? 0 : value, 0), axis.high)) * (right - left)
    }

    self.title = title
    self.xTitle = xTitle
    self.left = Coordinate.text(left)
    labelX = Coordinate.text(left - 7)
    keys = isOfRanks ? Self.keys(ranks: rows.map(\.bars.count).max() ?? 0, left: left) : []
    let first = keys.isEmpty ? 6.0 : 28
    top = Coordinate.text(first)
    var y = first + 4
    var drawn: [DrawnRow] = []
    for (row, (label, text)) in zip(rows, zip(labels, texts)) {
      let barHeight = row.bars.count == 1 ? 15.0 : row.bars.count <= 4 ? 8 : 4
      let rowHeight = max(16, Double(row.bars.count) * (barHeight + 1))
      let begin = y + (rowHeight - Double(row.bars.count) * (barHeight + 1)) / 2
      let center = y + rowHeight / 2
      let bars = row.bars.enumerated().map { index, bar in
        DrawnBar(
          y: Coordinate.text(begin + Double(index) * (barHeight + 1)),
          width: Coordinate.text(bar.value.isFinite ? x(bar.value) - left : 0), height: Coordinate.text(barHeight),
          style: isOfRanks ? index % 2 + 1 : 1, title: bar.title)
      }
      let ends = row.bars.map(\.value).filter(\.isFinite).map(x) + (row.span.map { [x($0.high)] } ?? [])
      let textX = (ends.max() ?? left) + 7
      drawn.append(
        DrawnRow(
          label: label, labelY: Coordinate.text(center + 4), text: text, textX: Coordinate.text(textX), bars: bars,
          span: row.span.map {
            DrawnSpan(
              low: Coordinate.text(x($0.low)), high: Coordinate.text(x($0.high)), y: Coordinate.text(center),
              top: Coordinate.text(center - 5), bottom: Coordinate.text(center + 5))
          }))
      y += rowHeight + Self.gap
    }
    self.rows = drawn
    bottom = Coordinate.text(y)
    tickLabelY = Coordinate.text(y + 17)
    titleY = Coordinate.text(y + 35)
    height = Coordinate.text(y + 42)
    middle = Coordinate.text((left + right) / 2)
    ticks = axis.values.map { LineChart.Tick(position: Coordinate.text(x($0)), label: axis.label($0)) }
    description = rows.map { "\($0.label): \($0.text)." }.joined(separator: " ")
  }

  /// Ranks take turns at two colors.
  private static func keys(ranks: Int, left: Double) -> [Key] {
    let names = ranks > 2 ? ["ranks 0, 2, …", "ranks 1, 3, …"] : ["rank 0", "rank 1"]
    var x = left
    return names.enumerated().map { index, name in
      defer { x += 40 + Coordinate.width(of: name, size: fontSize) }
      return Key(style: index + 1, x: Coordinate.text(x), textX: Coordinate.text(x + 17), text: name)
    }
  }
}
