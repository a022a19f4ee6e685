import Compute
import TestSupport
import Testing

/// A backend, and how the operands lie in its memory.
struct Setup: Sendable, CustomTestStringConvertible {
  let tested: TestedBackend
  /// Whether every operand is a view inside a larger matrix, with a stride of its own.
  let usesViews: Bool

  static let all = TestedBackend.allCases.flatMap { tested in
    [false, true].map { Setup(tested: tested, usesViews: $0) }
  }

  var testDescription: String { "\(tested.rawValue), \(usesViews ? "views" : "dense")" }
}

/// A backend under test and the matrices that a test lays out in it.
final class Workbench {
  let backend: any ComputeBackend
  private let usesViews: Bool
  private var borders: [(whole: Matrix, rows: Range<Int>, columns: Range<Int>)] = []
  private static let border: Float = 777

  init(_ setup: Setup) {
    backend = setup.tested.make()
    usesViews = setup.usesViews
  }

  /// A matrix with the table's numbers.
  func matrix(_ table: Table) throws -> Matrix {
    let matrix = try place(table.rows, table.columns)
    backend.write(table.floats.span, into: matrix)
    return matrix
  }

  /// A matrix for a result, full of NaN: an operation that overwrites must not read what was there.
  func result(_ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = try place(rows, columns)
    backend.fill(matrix, with: .nan)
    return matrix
  }

  /// How far a matrix is from what it should be.
  func distance(_ matrix: Matrix, _ expected: Table) -> Double {
    ComputeTests.distance(backend.floats(matrix).map { Double($0) }, expected.values)
  }

  /// How far a gradient with respect to `x` is from the central differences of `loss`, over at most `samples` elements;
  /// `initial` is what the gradient was added to.
  func gradientDistance(
    _ gradient: Matrix, at x: Table, addedTo initial: Table? = nil, samples: Int = 120, of loss: (Table) -> Double
  ) -> Double {
    // A prime step visits the elements of every row and column before any of them twice.
    let count = x.values.count
    let entries = count <= samples ? Array(0..<count) : (0..<samples).map { $0 * 7919 % count }
    let values = backend.floats(gradient)
    guard values.count == count else { return .infinity }
    let expected = zip(entries, centralDifferences(at: x, entries: entries, of: loss)).map { entry, derivative in
      derivative + (initial?.values[entry] ?? 0)
    }
    return ComputeTests.distance(entries.map { Double(values[$0]) }, expected)
  }

  /// Whether nothing was written outside the views.
  var bordersAreIntact: Bool {
    borders.allSatisfy { whole, rows, columns in
      let values = backend.floats(whole)
      return values.indices.allSatisfy { index in
        let (row, column) = index.quotientAndRemainder(dividingBy: whole.columns)
        return rows.contains(row) && columns.contains(column) || values[index] == Self.border
      }
    }
  }

  private func place(_ rows: Int, _ columns: Int) throws -> Matrix {
    guard usesViews else { return try backend.makeMatrix(rows, columns) }
    let whole = try backend.makeMatrix(rows + 3, columns + 7)
    backend.fill(whole, with: Self.border)
    borders.append((whole, 1..<rows + 1, 3..<columns + 3))
    return whole.rows(1..<rows + 1).columns(3..<columns + 3)
  }
}
