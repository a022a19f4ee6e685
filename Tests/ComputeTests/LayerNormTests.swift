import Compute
import Testing

/// LayerNorm against its definition, and its gradients against central differences.
@Suite struct LayerNormTests {
  static let shapes = [(1, 1), (1, 7), (3, 16), (5, 33), (130, 64), (2, 577)]
  static let epsilon = 1e-5

  @Test(arguments: Setup.all, shapes)
  func forward(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 14)
    let bench = Workbench(setup)
    let (x, weight, bias) = (random.table(shape.0, shape.1), random.table(1, shape.1), random.table(1, shape.1))
    for bias in [bias, nil] {
      let result = try normalize(x, weight: weight, bias: bias, on: bench)
      let expected = Formula.layerNorm(x, weight: weight, bias: bias, epsilon: Self.epsilon)
      #expect(bench.distance(result.y, expected) < 1e-6)
      #expect(bench.distance(result.mean, Formula.mean(x)) < 1e-6)
      let inverse = Formula.inverseDeviation(x, epsilon: Self.epsilon)
      #expect(bench.distance(result.inverseDeviation, inverse) < 1e-6)
    }
    #expect(bench.bordersAreIntact)
  }

  /// Rows of zeros, of one number, tiny and large ones, and rows far from zero.
  @Test(arguments: Setup.all) func extremeRows(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 15)
    let bench = Workbench(setup)
    let row = random.table(1, 33)
    let rows = [(0, 0), (0, 3), (1e-12, 0), (1e-4, 0), (1, 100), (1e12, 0), (1e30, 0), (1e30, -3e30)]
    let x = Table(rows.count, 33) { Double(Float(rows[$0].0 * row[0, $1] + rows[$0].1)) }
    let (weight, bias) = (random.table(1, 33), random.table(1, 33))
    let result = try normalize(x, weight: weight, bias: bias, on: bench)
    // The mean that is taken off is rounded: a hundred times the deviation costs two digits.
    let expected = Formula.layerNorm(x, weight: weight, bias: bias, epsilon: Self.epsilon)
    #expect(bench.distance(result.y, expected) < 5e-6)
    let inverses = bench.backend.floats(result.inverseDeviation)
    for (inverse, expected) in zip(inverses, Formula.inverseDeviation(x, epsilon: Self.epsilon).values) {
      #expect(abs(Double(inverse) / expected - 1) < 1e-6)
    }
    // Nothing but the bias is left of a row without variation.
    let y = bench.backend.floats(result.y)
    #expect(Array(y[..<33]) == bias.floats && Array(y[33..<66]) == bias.floats)
  }

  /// A NaN spoils its own row and no other.
  @Test(arguments: Setup.all) func notANumber(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 16)
    let bench = Workbench(setup)
    var x = random.table(3, 20)
    x[1, 17] = .nan
    let result = try normalize(x, weight: random.table(1, 20), bias: random.table(1, 20), on: bench)
    let y = bench.backend.floats(result.y)
    for (index, value) in y.enumerated() { #expect(value.isNaN == (index / 20 == 1)) }
  }

  /// dx and the gradients of weight and bias are added to what is there.
  @Test(arguments: Setup.all, shapes)
  func backward(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 17)
    let bench = Workbench(setup)
    let (x, weight, bias) = (random.table(shape.0, shape.1), random.table(1, shape.1), random.table(1, shape.1))
    let (dy, before) = (random.table(shape.0, shape.1), random.table(shape.0, shape.1))
    let vectorBefore = random.table(1, shape.1)
    let result = try normalize(x, weight: weight, bias: bias, on: bench)
    let (storedX, storedDy, storedWeight) = (try bench.matrix(x), try bench.matrix(dy), try bench.matrix(weight))
    func differentiate(_ dx: Matrix, weightGradient: Matrix?, biasGradient: Matrix?) {
      bench.backend.layerNormBackward(
        storedDy, x: storedX, weight: storedWeight, mean: result.mean, inverseDeviation: result.inverseDeviation,
        addingTo: dx, weightGradient: weightGradient, biasGradient: biasGradient)
    }

    let (dx, dweight, dbias) = (
      try bench.matrix(before), try bench.matrix(vectorBefore), try bench.matrix(vectorBefore)
    )
    differentiate(dx, weightGradient: dweight, biasGradient: dbias)
    let dxDistance = bench.gradientDistance(dx, at: x, addedTo: before) {
      Formula.layerNorm($0, weight: weight, bias: bias, epsilon: Self.epsilon).inner(dy)
    }
    let dweightDistance = bench.gradientDistance(dweight, at: weight, addedTo: vectorBefore) {
      Formula.layerNorm(x, weight: $0, bias: bias, epsilon: Self.epsilon).inner(dy)
    }
    let dbiasDistance = bench.gradientDistance(dbias, at: bias, addedTo: vectorBefore) {
      Formula.layerNorm(x, weight: weight, bias: $0, epsilon: Self.epsilon).inner(dy)
    }
    #expect(dxDistance < 2e-6)
    #expect(dweightDistance < 2e-6)
    #expect(dbiasDistance < 2e-6)

    // Without the other gradients dx is the same, and each of them alone is the same too.
    let (alone, dweightAlone) = (try bench.matrix(before), try bench.matrix(vectorBefore))
    differentiate(alone, weightGradient: dweightAlone, biasGradient: nil)
    #expect(bench.backend.floats(dweightAlone) == bench.backend.floats(dweight))
    #expect(bench.backend.floats(alone) == bench.backend.floats(dx))
    let (again, dbiasAlone) = (try bench.matrix(before), try bench.matrix(vectorBefore))
    differentiate(again, weightGradient: nil, biasGradient: dbiasAlone)
    #expect(bench.backend.floats(dbiasAlone) == bench.backend.floats(dbias))
    #expect(bench.bordersAreIntact)
  }

  private func normalize(
    _ x: Table, weight: Table, bias: Table?, on bench: Workbench
  ) throws -> (y: Matrix, mean: Matrix, inverseDeviation: Matrix) {
    let y = try bench.result(x.rows, x.columns)
    let (mean, inverseDeviation) = (try bench.result(x.rows, 1), try bench.result(x.rows, 1))
    bench.backend.layerNorm(
      try bench.matrix(x), weight: try bench.matrix(weight), bias: try bias.map { try bench.matrix($0) },
      epsilon: Float(Self.epsilon), into: y, mean: mean, inverseDeviation: inverseDeviation)
    return (y, mean, inverseDeviation)
  }
}
