/// A number over the steps of training.
struct Curve {
  struct Point: Equatable {
    let x: Double
    let y: Double
  }

  /// What legends call it.
  let name: String
  /// Points that can be drawn, in order of x.
  let points: [Point]
  /// How many points had no finite number.
  let leftOut: Int

  /// The most points that are drawn: more than a chart has columns of pixels.
  static let mostPoints = 400

  /// The curve of `values`, in order of x; nothing that is not finite can be drawn.
  init(_ name: String, _ values: [(x: Int, y: Double)]) {
    self.name = name
    let drawable = values.filter { $0.y.magnitude <= AxisTicks.largest }
    points = Self.downsampled(drawable.map { Point(x: Double($0.x), y: $0.y) })
    leftOut = values.count - drawable.count
  }

  /// At most ``mostPoints`` of `points`: the first, the last, and from each of equal parts between them the lowest and
  /// the highest, so that no spike is lost.
  static func downsampled(_ points: [Point]) -> [Point] {
    guard points.count > mostPoints else { return points }
    let parts = (mostPoints - 2) / 2
    let inner = points.count - 2
    var kept = [points[0]]
    for part in 0..<parts {
      let range = (1 + part * inner / parts)..<(1 + (part + 1) * inner / parts)
      guard let lowest = range.min(by: { points[$0].y < points[$1].y }),
        let highest = range.max(by: { points[$0].y < points[$1].y })
      else { continue }
      kept.append(points[min(lowest, highest)])
      if lowest != highest { kept.append(points[max(lowest, highest)]) }
    }
    return kept + [points[points.count - 1]]
  }
}
