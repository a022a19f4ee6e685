/// A matrix of double-precision numbers, row by row: what the tests' own formulas are written in.
struct Table: Sendable, Equatable {
  let rows: Int
  let columns: Int
  var values: [Double]

  init(_ rows: Int, _ columns: Int, _ values: [Double]) {
    precondition(values.count == rows * columns, "\(values.count) numbers for [\(rows), \(columns)]")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// All zero.
  init(_ rows: Int, _ columns: Int) { self.init(rows, columns, Array(repeating: 0, count: rows * columns)) }

  /// Each element from its row and column.
  init(_ rows: Int, _ columns: Int, element: (Int, Int) -> Double) {
    self.init(rows, columns)
    for i in 0..<rows { for j in 0..<columns { self[i, j] = element(i, j) } }
  }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  var floats: [Float] { values.map { Float($0) } }

  var transposed: Table { Table(columns, rows) { self[$1, $0] } }

  func row(_ index: Int) -> [Double] { Array(values[index * columns..<(index + 1) * columns]) }

  /// Σ of the products of elements: the loss whose gradient with respect to `self` is `other`.
  func inner(_ other: Table) -> Double {
    precondition(rows == other.rows && columns == other.columns, "tables of different shapes")
    return zip(values, other.values).reduce(0) { $0 + $1.0 * $1.1 }
  }

  static func + (a: Table, b: Table) -> Table { Table(a.rows, a.columns, zip(a.values, b.values).map { $0 + $1 }) }

  static func * (scale: Double, a: Table) -> Table { Table(a.rows, a.columns, a.values.map { scale * $0 }) }
}

/// The derivatives of `loss` at `x` with respect to `entries`, by central differences.
///
/// In double precision a step of 1e-5 leaves an error near 1e-10, so what a comparison with a backend shows is the
/// backend's own rounding, not noise of the differences.
func centralDifferences(at x: Table, entries: [Int], of loss: (Table) -> Double) -> [Double] {
  let step = 1e-5
  return entries.map { entry in
    var (above, below) = (x, x)
    above.values[entry] += step
    below.values[entry] -= step
    return (loss(above) - loss(below)) / (2 * step)
  }
}

/// The distance of two lists relative to the second: root mean square of the differences over that of the numbers, or
/// over 0.05 where the numbers vanish (inputs are near 1). Infinite for different lengths or NaN.
func distance(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count, !b.isEmpty else { return .infinity }
  var (difference, norm) = (0.0, 0.0)
  for (x, y) in zip(a, b) {
    difference += (x - y) * (x - y)
    norm += y * y
  }
  let floor = 0.05 * Double(b.count).squareRoot()
  let result = difference.squareRoot() / max(norm.squareRoot(), floor)
  return result.isNaN ? .infinity : result
}
