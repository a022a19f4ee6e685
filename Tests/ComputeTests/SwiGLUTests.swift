import Compute
import TestSupport
import Testing

/// silu(gate) · up, its gradients, and the exponential inside at its ends.
@Suite struct SwiGLUTests {
  static let shapes = [(1, 1), (1, 33), (5, 1), (4, 15), (129, 17), (3, 300)]

  @Test(arguments: Setup.all, shapes)
  func forwardAndBackward(_ setup: Setup, shape: (Int, Int)) throws {
    var random = SeededGenerator(seed: 41)
    let bench = Workbench(setup)
    let gate = random.table(shape.0, shape.1, scale: 6)
    let (up, dy) = (random.table(shape.0, shape.1), random.table(shape.0, shape.1))
    let (storedGate, storedUp) = (try bench.matrix(gate), try bench.matrix(up))
    let y = try bench.result(shape.0, shape.1)
    bench.backend.swiGLU(gate: storedGate, up: storedUp, into: y)
    #expect(bench.distance(y, Formula.swiGLU(gate: gate, up: up)) < 3e-7)

    let (dGate, dUp) = (try bench.result(shape.0, shape.1), try bench.result(shape.0, shape.1))
    bench.backend.swiGLUBackward(try bench.matrix(dy), gate: storedGate, up: storedUp, dGate: dGate, dUp: dUp)
    let dGateDistance = bench.gradientDistance(dGate, at: gate) { Formula.swiGLU(gate: $0, up: up).inner(dy) }
    let dUpDistance = bench.gradientDistance(dUp, at: up) { Formula.swiGLU(gate: gate, up: $0).inner(dy) }
    #expect(dGateDistance < 5e-7)
    #expect(dUpDistance < 5e-7)
    #expect(bench.bordersAreIntact)
  }

  /// Every magnitude of gate, as one row so that vector and scalar ends of loops both see them.
  static let gates: [Double] =
    [0, 1e-30, 1e-8, 1e-3, 0.5, 1, 5, 17, 60, 80, 86.9, 87.1, 87.9, 88.1, 88.7, 89, 104, 200, 1e4, 1e30, 3e38]
    .flatMap { [Double(Float($0)), -Double(Float($0))] }

  /// Relatively exact where float32 can say it; what is below its normal range may be zero.
  @Test(arguments: Setup.all) func extremeGates(_ setup: Setup) throws {
    let bench = Workbench(setup)
    let gate = Table(1, Self.gates.count, Self.gates)
    let ones = Table(1, gate.columns, Array(repeating: 1, count: gate.columns))
    let (storedGate, storedOnes) = (try bench.matrix(gate), try bench.matrix(ones))
    let y = try bench.result(1, gate.columns)
    bench.backend.swiGLU(gate: storedGate, up: storedOnes, into: y)
    let (dGate, dUp) = (try bench.result(1, gate.columns), try bench.result(1, gate.columns))
    bench.backend.swiGLUBackward(storedOnes, gate: storedGate, up: storedOnes, dGate: dGate, dUp: dUp)
    let silu = bench.backend.floats(y)
    let (slope, factor) = (bench.backend.floats(dGate), bench.backend.floats(dUp))
    for (index, z) in Self.gates.enumerated() {
      let sigmoid = Formula.sigmoid(z)
      #expect(isClose(silu[index], z * sigmoid), "silu(\(z)) is \(silu[index])")
      #expect(isClose(factor[index], z * sigmoid), "the gradient of up at \(z) is \(factor[index])")
      let derivative = sigmoid * (1 + z * (1 - sigmoid))
      #expect(isClose(slope[index], derivative, within: 2e-6), "silu'(\(z)) is \(slope[index])")
    }
  }

  /// The exponential over its whole range, seen through silu(z) / z = 1 / (1 + e^−z) for large −z, where it is e^z.
  @Test(arguments: TestedBackend.allCases) func exponentialIsExact(_ tested: TestedBackend) throws {
    let backend = tested.make()
    let z = (0..<4000).map { -Double(Float(17 + 0.0171 * Double($0))) }
    let gate = try backend.makeMatrix(1, z.count, values: z.map { Float($0) })
    let up = try backend.makeMatrix(1, z.count, values: Array(repeating: 1, count: z.count))
    let y = try backend.makeMatrix(1, z.count)
    backend.swiGLU(gate: gate, up: up, into: y)
    let expected = z.map { Float($0 * Formula.sigmoid($0)) }
    #expect(largestRelativeDifference(backend.floats(y), expected) < 2.5e-7)
  }

  private func isClose(_ value: Float, _ expected: Double, within tolerance: Double = 5e-7) -> Bool {
    abs(Double(value) - expected) <= tolerance * abs(expected) + 1e-36
  }
}
