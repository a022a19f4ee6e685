import Compute
import TestSupport
import Testing

/// Column maxima and row sums: the objective `max-logit` and its gradient, a scatter and a gather.
@Suite struct MaximumTests {
  /// Tokens, columns of the vocabulary, hidden width.
  static let shapes = [(1, 1, 1), (1, 9, 4), (7, 1, 3), (6, 33, 5), (129, 18, 8)]

  @Test(arguments: Setup.all, shapes)
  func maximaAndRows(_ setup: Setup, shape: (tokens: Int, columns: Int, hidden: Int)) throws {
    var random = SeededGenerator(seed: 71)
    let bench = Workbench(setup)
    let table = random.table(shape.tokens, shape.columns)
    let maxima = bench.backend.columnMaxima(try bench.matrix(table))
    #expect(maxima.values.count == shape.columns && maxima.rows.count == shape.columns)
    for j in 0..<shape.columns {
      let column = table.transposed.row(j)
      #expect(Double(maxima.values[j]) == column.max())
      #expect(Int(maxima.rows[j]) == column.firstIndex(of: column.max() ?? 0))
    }
  }

  /// The first of equals; large and very negative columns too.
  @Test(arguments: Setup.all) func firstOfEquals(_ setup: Setup) throws {
    let bench = Workbench(setup)
    let columns: [[Double]] = [[1, 1, 1], [0, 2, 2], [-3e38, -3e38, -1e38], [3e38, -3e38, 3e38], [0, -0.0, 0]]
    let table = Table(5, 3, columns.flatMap { $0 }).transposed
    let maxima = bench.backend.columnMaxima(try bench.matrix(table))
    #expect(maxima.values == [1, 2, -1e38, 3e38, 0])
    #expect(maxima.rows == [0, 1, 2, 0, 0])
  }

  /// f = mean over v of max over t of (x · weightᵀ)[t, v]: dx[t*] += weight[v] / V is a scatter, dweight[v] += x[t*] / V a
  /// gather.
  @Test(arguments: Setup.all, shapes)
  func gradientOfTheObjective(_ setup: Setup, shape: (tokens: Int, columns: Int, hidden: Int)) throws {
    var random = SeededGenerator(seed: 72)
    let bench = Workbench(setup)
    let (x, weight) = (random.table(shape.tokens, shape.hidden), random.table(shape.columns, shape.hidden))
    let (storedX, storedWeight) = (try bench.matrix(x), try bench.matrix(weight))
    let logits = try bench.result(shape.tokens, shape.columns)
    bench.backend.multiply(storedX, .none, storedWeight, .transposed, into: logits, adding: false)
    let maxima = bench.backend.columnMaxima(logits)
    let value = maxima.values.reduce(0) { $0 + Double($1) } / Double(shape.columns)
    #expect(abs(value - Formula.maximumLogit(x, weight: weight)) < 1e-6)

    let (dxBefore, dweightBefore) = (random.table(x.rows, x.columns), random.table(weight.rows, weight.columns))
    let (dx, dweight) = (try bench.matrix(dxBefore), try bench.matrix(dweightBefore))
    let scale = 1 / Float(shape.columns)
    bench.backend.addRows(of: storedWeight, at: maxima.rows, to: dx, scale: scale, direction: .scatter)
    bench.backend.addRows(of: storedX, at: maxima.rows, to: dweight, scale: scale, direction: .gather)
    let dxDistance = bench.gradientDistance(dx, at: x, addedTo: dxBefore, samples: 24) {
      Formula.maximumLogit($0, weight: weight)
    }
    let dweightDistance = bench.gradientDistance(dweight, at: weight, addedTo: dweightBefore, samples: 24) {
      Formula.maximumLogit(x, weight: $0)
    }
    #expect(dxDistance < 1e-6)
    #expect(dweightDistance < 1e-6)
    #expect(bench.bordersAreIntact)
  }

  /// An embedding: rows are gathered, and gradients of rows named twice add up.
  @Test(arguments: Setup.all) func repeatedRows(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 73)
    let bench = Workbench(setup)
    let table = random.table(5, 3)
    let ids: [Int32] = [4, 0, 4, 4, 2]
    let gathered = try bench.matrix(Table(5, 3))
    bench.backend.addRows(of: try bench.matrix(table), at: ids, to: gathered, scale: 1, direction: .gather)
    #expect(bench.distance(gathered, Table(5, 3) { table[Int(ids[$0]), $1] }) == 0)

    let gradient = try bench.matrix(Table(5, 3))
    bench.backend.addRows(of: gathered, at: ids, to: gradient, scale: 2, direction: .scatter)
    let expected = Table(5, 3) { row, column in
      2 * table[row, column] * Double(ids.count { Int($0) == row })
    }
    #expect(bench.distance(gradient, expected) < 1e-6)
    bench.backend.addRows(of: gathered, at: [], to: gradient, scale: 1, direction: .scatter)
    #expect(bench.distance(gradient, expected) < 1e-6)
    #expect(bench.bordersAreIntact)
  }
}
