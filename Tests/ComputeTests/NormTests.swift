import Compute
import Testing

/// RMSNorm against its definition, and its gradients against central differences.
@Suite struct NormTests {
  static let shapes = [(1, 1), (1, 7), (3, 16), (5, 33), (130, 64), (2, 577)]
  static let epsilon = 1e-5

  @Test(arguments: Setup.all, shapes)
  func forward(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 11)
    let bench = Workbench(setup)
    let (x, weight) = (random.table(shape.0, shape.1), random.table(1, shape.1))
    let (y, inverseRMS) = (try bench.result(shape.0, shape.1), try bench.result(shape.0, 1))
    bench.backend.rmsNorm(
      try bench.matrix(x), weight: try bench.matrix(weight), epsilon: Float(Self.epsilon), into: y,
      inverseRMS: inverseRMS)
    #expect(bench.distance(y, Formula.rmsNorm(x, weight: weight, epsilon: Self.epsilon)) < 1e-6)
    #expect(bench.distance(inverseRMS, Formula.inverseRMS(x, epsilon: Self.epsilon)) < 1e-6)
    #expect(bench.bordersAreIntact)
  }

  /// Rows of zeros are divided by √ε, tiny and large ones by themselves.
  @Test(arguments: Setup.all) func extremeRows(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 12)
    let bench = Workbench(setup)
    let row = random.table(1, 33)
    let scales = [0, 1e-12, 1e-4, 1e4, 1e12]
    let x = Table(scales.count, 33) { Double(Float(scales[$0] * row[0, $1])) }
    let weight = Table(1, 33, Array(repeating: 1, count: 33))
    let (y, inverseRMS) = (try bench.result(scales.count, 33), try bench.result(scales.count, 1))
    bench.backend.rmsNorm(
      try bench.matrix(x), weight: try bench.matrix(weight), epsilon: Float(Self.epsilon), into: y,
      inverseRMS: inverseRMS)
    #expect(bench.distance(y, Formula.rmsNorm(x, weight: weight, epsilon: Self.epsilon)) < 1e-6)
    let inverses = bench.backend.floats(inverseRMS)
    for (inverse, expected) in zip(inverses, Formula.inverseRMS(x, epsilon: Self.epsilon).values) {
      #expect(abs(Double(inverse) / expected - 1) < 1e-6)
    }
  }

  /// dx and dweight are added to what is there: the residual stream's gradient, and earlier microbatches.
  @Test(arguments: Setup.all, shapes)
  func backward(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 13)
    let bench = Workbench(setup)
    let (x, weight, dy) = (random.table(shape.0, shape.1), random.table(1, shape.1), random.table(shape.0, shape.1))
    let (dxBefore, dweightBefore) = (random.table(shape.0, shape.1), random.table(1, shape.1))
    let (storedX, storedWeight, storedDy) = (try bench.matrix(x), try bench.matrix(weight), try bench.matrix(dy))
    let (y, inverseRMS) = (try bench.result(shape.0, shape.1), try bench.result(shape.0, 1))
    bench.backend.rmsNorm(storedX, weight: storedWeight, epsilon: Float(Self.epsilon), into: y, inverseRMS: inverseRMS)

    let (dx, dweight) = (try bench.matrix(dxBefore), try bench.matrix(dweightBefore))
    bench.backend.rmsNormBackward(
      storedDy, x: storedX, weight: storedWeight, inverseRMS: inverseRMS, addingTo: dx, weightGradient: dweight)
    let dxDistance = bench.gradientDistance(dx, at: x, addedTo: dxBefore) {
      Formula.rmsNorm($0, weight: weight, epsilon: Self.epsilon).inner(dy)
    }
    let dweightDistance = bench.gradientDistance(dweight, at: weight, addedTo: dweightBefore) {
      Formula.rmsNorm(x, weight: $0, epsilon: Self.epsilon).inner(dy)
    }
    #expect(dxDistance < 2e-6)
    #expect(dweightDistance < 2e-6)

    // Without a weight gradient dx is the same.
    let alone = try bench.matrix(dxBefore)
    bench.backend.rmsNormBackward(
      storedDy, x: storedX, weight: storedWeight, inverseRMS: inverseRMS, addingTo: alone, weightGradient: nil)
    #expect(bench.backend.floats(alone) == bench.backend.floats(dx))
    #expect(bench.bordersAreIntact)
  }
}
