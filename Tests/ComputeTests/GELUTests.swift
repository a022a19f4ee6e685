import Compute
import Testing

/// Both GELUs, their gradients, and their ends. CKernelsTests measures the kernels' error over all floats.
@Suite struct GELUTests {
  static let shapes = [(1, 1), (1, 33), (5, 1), (4, 15), (129, 17), (3, 300)]

  @Test(arguments: Setup.all, GELUApproximation.allCases)
  func forwardAndBackward(_ setup: Setup, approximation: GELUApproximation) throws {
    for shape in Self.shapes {
      var random = SeededGenerator(seed: 43)
      let bench = Workbench(setup)
      let (x, dy) = (random.table(shape.0, shape.1, scale: 6), random.table(shape.0, shape.1))
      let (storedX, y) = (try bench.matrix(x), try bench.result(shape.0, shape.1))
      bench.backend.gelu(storedX, approximation: approximation, into: y)
      #expect(bench.distance(y, Formula.gelu(x, approximation: approximation)) < 1e-7)

      let dx = try bench.result(shape.0, shape.1)
      bench.backend.geluBackward(try bench.matrix(dy), x: storedX, approximation: approximation, into: dx)
      let distance = bench.gradientDistance(dx, at: x) { Formula.gelu($0, approximation: approximation).inner(dy) }
      #expect(distance < 1e-7)
      #expect(bench.bordersAreIntact)
    }
  }

  /// The two are different functions: by 4.7e-4 where they differ most, near |x| = 2.3.
  @Test(arguments: Setup.all) func approximationsDiffer(_ setup: Setup) throws {
    let bench = Workbench(setup)
    let x = try bench.matrix(Table(1, 801) { _, j in Double(j - 400) / 100 })
    let (exact, approximate) = (try bench.result(1, 801), try bench.result(1, 801))
    bench.backend.gelu(x, approximation: .none, into: exact)
    bench.backend.gelu(x, approximation: .tanh, into: approximate)
    let pairs = zip(bench.backend.floats(exact), bench.backend.floats(approximate))
    let largest = pairs.map { abs($0 - $1) }.max() ?? 0
    #expect(largest > 4e-4 && largest < 5e-4)
  }

  /// x on the right and nothing on the left; NaN stays NaN and spoils nothing else.
  @Test(arguments: Setup.all, GELUApproximation.allCases)
  func extremes(_ setup: Setup, approximation: GELUApproximation) throws {
    let bench = Workbench(setup)
    let magnitudes: [Float] = [20, 36.9, 37.1, 38, 700, 1e4, 1e10, 1e30, 3e38]
    let x = [0, .nan] + magnitudes + magnitudes.map { -$0 } + [.infinity]
    let stored = try bench.matrix(Table(1, x.count, x.map { Double($0) }))
    let ones = try bench.matrix(Table(1, x.count, Array(repeating: 1, count: x.count)))
    let (y, dx) = (try bench.result(1, x.count), try bench.result(1, x.count))
    bench.backend.gelu(stored, approximation: approximation, into: y)
    bench.backend.geluBackward(ones, x: stored, approximation: approximation, into: dx)
    let (values, slopes) = (bench.backend.floats(y), bench.backend.floats(dx))
    #expect(values[0] == 0 && slopes[0] == 0.5)
    #expect(values[1].isNaN && slopes[1].isNaN)
    for index in 2..<x.count - 1 {
      #expect(values[index] == max(0, x[index]), "GELU(\(x[index])) is \(values[index])")
      #expect(slopes[index] == (x[index] > 0 ? 1 : 0), "GELU'(\(x[index])) is \(slopes[index])")
    }
    #expect(values[x.count - 1] == .infinity)
  }
}
