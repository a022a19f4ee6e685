import Compute
import TestSupport
import Tensors
import Testing

/// Gates on units, and the sums that score units.
@Suite struct UnitTests {
  /// Rows, units and columns per unit.
  static let shapes = [(1, 1, 1), (1, 5, 1), (4, 3, 5), (7, 33, 1), (129, 2, 16), (3, 1, 9)]

  @Test(arguments: Setup.all, shapes)
  func scaledUnits(_ setup: Setup, shape: (rows: Int, units: Int, width: Int)) throws {
    var random = SeededGenerator(seed: 51)
    let bench = Workbench(setup)
    let x = random.table(shape.rows, shape.units * shape.width)
    let factors = random.table(1, shape.units)
    func scaled(_ x: Table) -> Table { Table(x.rows, x.columns) { x[$0, $1] * factors[0, $1 / shape.width] } }

    let storedFactors = try bench.matrix(factors)
    let y = try bench.matrix(x)
    bench.backend.scaleUnits(y, by: storedFactors, width: shape.width)
    #expect(bench.distance(y, scaled(x)) < 1e-7)

    // Its own backward pass.
    let dy = random.table(x.rows, x.columns)
    let dx = try bench.matrix(dy)
    bench.backend.scaleUnits(dx, by: storedFactors, width: shape.width)
    #expect(bench.gradientDistance(dx, at: x, samples: 30) { scaled($0).inner(dy) } < 1e-7)

    // The factors' gradient, added to what was there.
    var gradients = [Double](repeating: 0.5, count: shape.units)
    bench.backend.addUnitProducts(
      of: try bench.matrix(x), with: try bench.matrix(dy), width: shape.width, to: &gradients)
    for unit in 0..<shape.units {
      var expected = 0.5
      for i in 0..<x.rows {
        for j in unit * shape.width..<(unit + 1) * shape.width { expected += x[i, j] * dy[i, j] }
      }
      #expect(abs(gradients[unit] - expected) < 1e-9 * max(1, abs(expected)))
    }
    #expect(bench.bordersAreIntact)
  }

  /// Units, width of a unit, and the extent of the other axis.
  static let weights = [(1, 1, 1), (5, 1, 3), (1, 7, 33), (6, 4, 9), (130, 1, 64), (3, 16, 300)]

  /// Σ |gradient · weight| over every unit, added to what the score was.
  @Test(arguments: Setup.all, weights)
  func saliency(_ setup: Setup, shape: (units: Int, width: Int, other: Int)) throws {
    var random = SeededGenerator(seed: 52)
    let bench = Workbench(setup)
    for axis in [UnitAxis.rows, .columns] {
      let extent = shape.units * shape.width
      let (rows, columns) = axis == .rows ? (extent, shape.other) : (shape.other, extent)
      let (weight, gradient) = (random.table(rows, columns), random.table(rows, columns, scale: 1e-3))
      let before = (0..<shape.units).map { _ in abs(random.number()) }
      let (storedWeight, storedGradient) = (try bench.matrix(weight), try bench.matrix(gradient))

      for usesGradient in [true, false] {
        var expected = before
        for i in 0..<rows {
          for j in 0..<columns {
            let unit = (axis == .rows ? i : j) / shape.width
            expected[unit] += abs(weight[i, j] * (usesGradient ? gradient[i, j] : 1))
          }
        }
        var scores = before
        bench.backend.addSaliency(
          weight: storedWeight, gradient: usesGradient ? storedGradient : nil, axis: axis, width: shape.width,
          to: &scores)
        for (score, expected) in zip(scores, expected) { #expect(abs(score - expected) <= 2e-6 * expected) }
      }
    }
    #expect(bench.bordersAreIntact)
  }

  /// Scores of one part do not depend on another: a view of some rows scores as that part alone does.
  @Test(arguments: TestedBackend.allCases) func saliencyOfPartsAddsUp(_ tested: TestedBackend) throws {
    var random = SeededGenerator(seed: 53)
    let backend = tested.make()
    let table = random.table(12, 10)
    let weight = try backend.makeMatrix(12, 10, values: table.floats)
    var (whole, parts) = ([Double](repeating: 0, count: 5), [Double](repeating: 0, count: 5))
    backend.addSaliency(weight: weight, gradient: nil, axis: .columns, width: 2, to: &whole)
    for range in [0..<1, 1..<7, 7..<12] {
      backend.addSaliency(weight: weight.rows(range), gradient: nil, axis: .columns, width: 2, to: &parts)
    }
    for (whole, part) in zip(whole, parts) { #expect(abs(whole - part) < 1e-6 * whole) }
    #expect(whole.allSatisfy { $0 > 0 })
  }
}
