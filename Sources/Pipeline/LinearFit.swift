/// The straight line through points with the least squares of what it misses.
package struct LinearFit: Equatable {
  package let slope: Double
  package let intercept: Double
  /// The share of the points' variance that the line explains; nil for two points, through which a line always goes.
  package let rSquared: Double?

  /// Nil for fewer than two different x.
  package init?(_ points: [(x: Double, y: Double)]) {
    let count = Double(points.count)
    let (meanX, meanY) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
    let varianceX = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
    guard varianceX > 0 else { return nil }
    let slope = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / varianceX
    let intercept = meanY - slope * meanX
    let varianceY = points.reduce(0) { $0 + ($1.y - meanY) * ($1.y - meanY) }
    let missed = points.reduce(0) { $0 + ($1.y - intercept - slope * $1.x) * ($1.y - intercept - slope * $1.x) }
    (self.slope, self.intercept) = (slope, intercept)
    rSquared = points.count > 2 ? (varianceY > 0 ? 1 - missed / varianceY : 1) : nil
  }
}
