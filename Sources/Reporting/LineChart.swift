/// Curves over steps, as line-chart.mustache draws them: every coordinate is worked out here.
struct LineChart {
  struct Tick {
    let position: String
    let label: String
  }

  struct Line {
    let name: String
    /// 1 for the first curve, 2 for the second: what the style sheet colors by.
    let style: Int
    let path: String
    /// Where points stand, drawn while they are few.
    let markers: [Marker]
    let legendX: String
    let legendTextX: String
  }

  struct Marker {
    let x: String
    let y: String
    let title: String
  }

  let title: String
  let description: String
  /// Under the chart, of what could not be drawn.
  let note: String?
  let yTitle: String
  let xTicks: [Tick]
  let yTicks: [Tick]
  let lines: [Line]
  let hasLegend: Bool
  let width = Coordinate.text(Self.width)
  let height = Coordinate.text(Self.height)
  let left: String
  let right = Coordinate.text(Self.right)
  let top = Coordinate.text(Self.top)
  let bottom = Coordinate.text(Self.bottom)
  let middle: String
  let tickLabelX: String

  static let width = 460.0
  private static let height = 262.0
  private static let (right, top, bottom) = (448.0, 36.0, 216.0)
  private static let fontSize = 12.0
  private static let mostMarkers = 40

  /// Fewer points are numbers, and no chart.
  static let leastPoints = 3

  /// A chart of `curves`; nil when none has ``leastPoints`` points.
  ///
  /// - Parameter yTitle: what the vertical axis counts.
  init?(title: String, yTitle: String, curves: [Curve]) {
    let curves = curves.filter { !$0.points.isEmpty }
    guard curves.contains(where: { $0.points.count >= Self.leastPoints }) else { return nil }
    let points = curves.flatMap(\.points)
    let xAxis = AxisTicks(points.map(\.x), count: 6, isWhole: true)
    let yAxis = AxisTicks(points.map(\.y), count: 4)
    let labels = yAxis.values.map(yAxis.label)
    let widest = labels.map { Coordinate.width(of: $0, size: Self.fontSize) }.max() ?? 0
    let left = max(34, widest + 12)
    // The first tick may lie before the first step: the axis begins and ends with the data, whatever the ticks.
    let (first, last) = (points.map(\.x).min() ?? 0, points.map(\.x).max() ?? 1)
    func x(_ value: Double) -> Double {
      last > first ? left + (value - first) / (last - first) * (Self.right - left) : (left + Self.right) / 2
    }
    func y(_ value: Double) -> Double { Self.bottom - yAxis.position(value) * (Self.bottom - Self.top) }

    self.title = title
    self.yTitle = yTitle
    self.left = Coordinate.text(left)
    middle = Coordinate.text((left + Self.right) / 2)
    tickLabelX = Coordinate.text(left - 7)
    xTicks = (last > first ? xAxis.values.filter { first <= $0 && $0 <= last } : [first])
      .map { Tick(position: Coordinate.text(x($0)), label: xAxis.label($0)) }
    yTicks = zip(yAxis.values, labels).map { Tick(position: Coordinate.text(y($0)), label: $1) }
    hasLegend = curves.count > 1
    let legendWidths = curves.map { 34 + Coordinate.width(of: $0.name, size: Self.fontSize) }
    lines = curves.enumerated().map { index, curve in
      let legendX = Self.right - legendWidths[index...].reduce(0, +)
      return Line(
        name: curve.name, style: index + 1,
        path: curve.points.enumerated().map { index, point in
          "\(index == 0 ? "M" : "L")\(Coordinate.text(x(point.x))) \(Coordinate.text(y(point.y)))"
        }.joined(),
        markers: curve.points.count > Self.mostMarkers
          ? []
          : curve.points.map {
            Marker(
              x: Coordinate.text(x($0.x)), y: Coordinate.text(y($0.y)),
              title: "\(curve.name), step \(Number.whole($0.x)): \(Number.short($0.y))")
          }, legendX: Coordinate.text(legendX), legendTextX: Coordinate.text(legendX + 22))
    }
    description = curves.map(Self.described).joined(separator: " ")
    let leftOut = curves.reduce(0) { $0 + $1.leftOut }
    note =
      leftOut == 0 ? nil : "\(leftOut) point\(leftOut == 1 ? " is" : "s are") not drawn: infinite or not a number."
  }

  /// A curve in words, for who cannot see it.
  private static func described(_ curve: Curve) -> String {
    let values = curve.points.map(\.y)
    guard let first = curve.points.first, let last = curve.points.last, let low = values.min(), let high = values.max()
    else { return "" }
    return "\(curve.name): \(Number.short(first.y)) at step \(Number.whole(first.x)), \(Number.short(last.y)) at step "
      + "\(Number.whole(last.x)), lowest \(Number.short(low)), highest \(Number.short(high))."
  }
}
