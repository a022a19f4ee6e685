import Compute
import TestSupport
import Testing

/// Products, biases and scaled sums. Both backends lie within the tolerance of the same double-precision numbers, so they
/// agree with each other within twice of it.
@Suite struct ProductTests {
  /// `[m, k] · [k, n]`, around the sizes at which kernels change their path.
  static let shapes: [(m: Int, k: Int, n: Int)] = [
    (1, 1, 1), (1, 5, 1), (7, 1, 3), (1, 17, 9), (5, 3, 1), (16, 16, 16), (33, 31, 29), (129, 64, 17), (3, 300, 127),
  ]
  static let transpositions: [(Transposition, Transposition)] = [
    (.none, .none), (.none, .transposed), (.transposed, .none), (.transposed, .transposed),
  ]

  @Test(arguments: Setup.all, shapes)
  func multiply(_ setup: Setup, shape: (m: Int, k: Int, n: Int)) throws {
    var random = SeededGenerator(seed: 1)
    let bench = Workbench(setup)
    for (aTransposition, bTransposition) in Self.transpositions {
      let a = random.table(shape.m, shape.k)
      let b = random.table(shape.k, shape.n)
      let before = random.table(shape.m, shape.n)
      let storedA = try bench.matrix(aTransposition == .none ? a : a.transposed)
      let storedB = try bench.matrix(bTransposition == .none ? b : b.transposed)
      let product = Formula.product(a, .none, b, .none)

      let overwritten = try bench.result(shape.m, shape.n)
      bench.backend.multiply(storedA, aTransposition, storedB, bTransposition, into: overwritten, adding: false)
      #expect(bench.distance(overwritten, product) < 1e-6)

      let added = try bench.matrix(before)
      bench.backend.multiply(storedA, aTransposition, storedB, bTransposition, into: added, adding: true)
      #expect(bench.distance(added, before + product) < 1e-6)
    }
    #expect(bench.bordersAreIntact)
  }

  /// dA = dC · Bᵀ and dB = Aᵀ · dC for C = A · B; for C = A · Bᵀ (a linear layer) dA = dC · B and dB = dCᵀ · A.
  @Test(arguments: Setup.all, shapes)
  func productGradients(_ setup: Setup, shape: (m: Int, k: Int, n: Int)) throws {
    var random = SeededGenerator(seed: 2)
    let bench = Workbench(setup)
    let (a, b) = (random.table(shape.m, shape.k), random.table(shape.n, shape.k))
    let dC = random.table(shape.m, shape.n)
    let (storedA, storedB, storedDC) = (try bench.matrix(a), try bench.matrix(b), try bench.matrix(dC))
    let dA = try bench.result(shape.m, shape.k)
    let before = random.table(shape.n, shape.k)
    let dB = try bench.matrix(before)
    bench.backend.multiply(storedDC, .none, storedB, .none, into: dA, adding: false)
    bench.backend.multiply(storedDC, .transposed, storedA, .none, into: dB, adding: true)
    let distanceA = bench.gradientDistance(dA, at: a, samples: 8) {
      Formula.product($0, .none, b, .transposed).inner(dC)
    }
    let distanceB = bench.gradientDistance(dB, at: b, addedTo: before, samples: 8) {
      Formula.product(a, .none, $0, .transposed).inner(dC)
    }
    #expect(distanceA < 1e-6)
    #expect(distanceB < 1e-6)
    #expect(bench.bordersAreIntact)
  }

  /// Nothing to sum over gives zeros, or leaves what was there.
  @Test(arguments: Setup.all) func emptyProducts(_ setup: Setup) throws {
    let bench = Workbench(setup)
    let (a, b) = (try bench.backend.makeMatrix(3, 0), try bench.backend.makeMatrix(0, 2))
    let c = try bench.result(3, 2)
    bench.backend.multiply(a, .none, b, .none, into: c, adding: false)
    #expect(bench.backend.floats(c) == [0, 0, 0, 0, 0, 0])
    bench.backend.fill(c, with: 2)
    bench.backend.multiply(a, .none, b, .none, into: c, adding: true)
    #expect(bench.backend.floats(c) == [2, 2, 2, 2, 2, 2])
    let empty = try bench.backend.makeMatrix(0, 2)
    bench.backend.multiply(b.columns(0..<0), .none, b.columns(0..<0), .transposed, into: b.columns(0..<0), adding: true)
    bench.backend.multiply(empty, .none, empty, .transposed, into: try bench.result(0, 0), adding: false)
    #expect(bench.bordersAreIntact)
  }

  @Test(arguments: Setup.all, [(1, 1), (1, 33), (5, 1), (7, 16), (129, 19)])
  func biasAndItsGradient(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 3)
    let bench = Workbench(setup)
    let (x, dy) = (random.table(shape.0, shape.1), random.table(shape.0, shape.1))
    let bias = random.table(1, shape.1)
    func biased(_ bias: Table) -> Table { Table(shape.0, shape.1) { x[$0, $1] + bias[0, $1] } }

    let y = try bench.matrix(x)
    bench.backend.addBias(try bench.matrix(bias), to: y)
    #expect(bench.distance(y, biased(bias)) < 1e-7)

    let before = random.table(1, shape.1)
    let sums = try bench.matrix(before)
    bench.backend.addColumnSums(of: try bench.matrix(dy), to: sums)
    #expect(bench.gradientDistance(sums, at: bias, addedTo: before) { biased($0).inner(dy) } < 2e-6)
    #expect(bench.bordersAreIntact)
  }

  @Test(arguments: Setup.all, [(1, 1), (3, 17), (128, 5)])
  func scaledAdditionAndFilling(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 4)
    let bench = Workbench(setup)
    let (x, y) = (random.table(shape.0, shape.1), random.table(shape.0, shape.1))
    let sum = try bench.matrix(y)
    bench.backend.add(try bench.matrix(x), to: sum, scale: -0.375)
    #expect(bench.distance(sum, y + -0.375 * x) < 1e-7)
    bench.backend.fill(sum, with: 3)
    #expect(bench.backend.floats(sum).allSatisfy { $0 == 3 })
    #expect(bench.bordersAreIntact)
  }
}
