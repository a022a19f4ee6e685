import Compute
import TestSupport
import Tensors
import Testing

/// Stored weights as factors of products, on every backend and in bf16.
@Suite struct WeightTests {
  struct Tested: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable () -> (any ComputeBackend)?
    /// Of products whose factors need not be rounded, and of any others.
    let exact: Double
    let rounded: Double

    static let all =
      TestedBackend.allCases.map { tested in
        Tested(testDescription: tested.rawValue, make: { tested.make() }, exact: 1e-6, rounded: 1e-6)
      } + [
        // Both factors lose up to 2⁻⁹ of each number, at random.
        Tested(testDescription: "bf16", make: { TestedBackend.makeBFloat16() }, exact: 1e-6, rounded: 3e-3)
      ]
  }

  /// Weights `[out, in]` and tokens: single ones, odd ones, and sizes around a vector's.
  static let shapes: [(out: Int, in: Int, tokens: Int)] = [
    (1, 1, 1), (5, 3, 2), (17, 9, 1), (33, 31, 29), (64, 128, 65), (3, 300, 127),
  ]

  /// A stored weight of numbers that bf16 holds, its table, and numbers for its products.
  private func weight(
    _ out: Int, _ columns: Int, seed: UInt64, type: ElementType = .bfloat16
  ) throws -> (stored: StoredTensor, table: Table) {
    var random = SeededGenerator(seed: seed)
    let stored = try StoredTensor(
      name: "weight", elementType: type, shape: [out, columns], values: random.table(out, columns).floats)
    return (stored, Table(out, columns, try stored.floats().map { Double($0) }))
  }

  /// Every part of a step's products, with activations that bf16 holds and others.
  @Test(arguments: Tested.all, shapes)
  func products(_ tested: Tested, shape: (out: Int, in: Int, tokens: Int)) throws {
    guard let backend = tested.make() else { return }
    let (stored, w) = try weight(shape.out, shape.in, seed: 1)
    let matrix = try backend.makeWeight(stored, rows: 0..<shape.out)
    #expect(matrix.rows == shape.out && matrix.columns == shape.in)
    for isExact in [true, false] {
      var random = SeededGenerator(seed: 2)
      func activations(_ width: Int) -> Table {
        let table = random.table(shape.tokens, width)
        return isExact ? Table(shape.tokens, width) { (table[$0, $1] * 64).rounded() / 64 } : table
      }
      let (x, dy, before) = (activations(shape.in), activations(shape.out), activations(shape.out))
      let storedX = try backend.makeMatrix(shape.tokens, shape.in, values: x.floats)
      let storedDY = try backend.makeMatrix(shape.tokens, shape.out, values: dy.floats)
      let tolerance = isExact ? tested.exact : tested.rounded
      func error(_ matrix: Matrix, _ expected: Table) -> Double {
        distance(backend.floats(matrix).map { Double($0) }, expected.values)
      }

      let y = try backend.makeMatrix(shape.tokens, shape.out, values: before.floats)
      backend.multiply(storedX, .none, matrix, .transposed, into: y, adding: true)
      #expect(error(y, before + Formula.product(x, .none, w, .transposed)) < tolerance)
      let dx = try backend.makeMatrix(shape.tokens, shape.in)
      backend.fill(dx, with: .nan)
      backend.multiply(storedDY, .none, matrix, .none, into: dx, adding: false)
      #expect(error(dx, Formula.product(dy, .none, w, .none)) < tolerance)
      let gradient = try backend.makeMatrix(shape.out, shape.in, values: w.floats)
      backend.addWeightGradient(storedDY, x: storedX, to: gradient)
      #expect(error(gradient, w + Formula.product(dy, .transposed, x, .none)) < tolerance)
    }
  }

  /// Parts of a weight, as the output head asks for them, and views of parts.
  @Test(arguments: Tested.all)
  func parts(_ tested: Tested) throws {
    guard let backend = tested.make() else { return }
    let (stored, w) = try weight(19, 16, seed: 3)
    let x = Table(2, 16) { Double(($0 * 16 + $1) % 7) - 3 }
    let storedX = try backend.makeMatrix(2, 16, values: x.floats)
    let part = try backend.makeWeight(stored, rows: 4..<15).rows(3..<9)
    let y = try backend.makeMatrix(2, 6)
    backend.multiply(storedX, .none, part, .transposed, into: y, adding: false)
    let expected = Formula.product(x, .none, Table(6, 16) { w[$0 + 7, $1] }, .transposed)
    #expect(distance(backend.floats(y).map { Double($0) }, expected.values) < 1e-6)
  }

  /// What else takes a weight reads the stored numbers, unrounded.
  @Test(arguments: Tested.all, [ElementType.bfloat16, .float32, .float16])
  func saliencyAndRows(_ tested: Tested, type: ElementType) throws {
    guard let backend = tested.make() else { return }
    let (stored, w) = try weight(6, 12, seed: 4, type: type)
    let matrix = try backend.makeWeight(stored, rows: 0..<6)
    var random = SeededGenerator(seed: 5)
    let gradient = random.table(6, 12)
    let storedGradient = try backend.makeMatrix(6, 12, values: gradient.floats)
    var rows = [Double](repeating: 0, count: 3)
    backend.addSaliency(weight: matrix, gradient: storedGradient, axis: .rows, width: 2, to: &rows)
    var columns = [Double](repeating: 0, count: 4)
    backend.addSaliency(weight: matrix, gradient: nil, axis: .columns, width: 3, to: &columns)
    func sum(_ indices: [(Int, Int)], _ value: (Int, Int) -> Double) -> Double {
      indices.reduce(0) { $0 + value($1.0, $1.1) }
    }
    let everywhere = (0..<6).flatMap { i in (0..<12).map { (i, $0) } }
    for unit in 0..<3 {
      let expected = sum(everywhere.filter { $0.0 / 2 == unit }) { abs(w[$0, $1] * gradient[$0, $1]) }
      #expect(abs(rows[unit] - expected) < 1e-6 * expected)
    }
    for unit in 0..<4 {
      let expected = sum(everywhere.filter { $0.1 / 3 == unit }) { i, j in abs(w[i, j]) }
      #expect(abs(columns[unit] - expected) < 1e-6 * expected)
    }
    let y = try backend.makeMatrix(2, 12)
    backend.addRows(of: matrix, at: [1, 0, 1, 1, 0, 0], to: y, scale: 2, direction: .scatter)
    let expected = Table(2, 12) { row, j in
      2 * (row == 0 ? w[1, j] + w[4, j] + w[5, j] : w[0, j] + w[2, j] + w[3, j])
    }
    #expect(distance(backend.floats(y).map { Double($0) }, expected.values) < 1e-6)
  }

  /// Products between activations, such as attention's, stay float32.
  @Test func activationsAreNotRounded() throws {
    guard let backend = TestedBackend.makeBFloat16() else { return }
    var random = SeededGenerator(seed: 6)
    let (a, b) = (random.table(9, 40), random.table(40, 7))
    let c = try backend.makeMatrix(9, 7)
    backend.multiply(
      try backend.makeMatrix(9, 40, values: a.floats), .none, try backend.makeMatrix(40, 7, values: b.floats), .none,
      into: c, adding: false)
    #expect(distance(backend.floats(c).map { Double($0) }, Formula.product(a, .none, b, .none).values) < 1e-6)
  }

  /// NaN and infinity come out as they do in float32.
  @Test func notFiniteNumbers() throws {
    guard let backend = TestedBackend.makeBFloat16() else { return }
    let stored = try StoredTensor(name: "weight", elementType: .bfloat16, shape: [1, 2], values: [1, 1])
    let matrix = try backend.makeWeight(stored, rows: 0..<1)
    let x = try backend.makeMatrix(3, 2, values: [.infinity, 1, .nan, 1, 3.4e38, -3.4e38])
    let y = try backend.makeMatrix(3, 1)
    backend.multiply(x, .none, matrix, .transposed, into: y, adding: false)
    let values = backend.floats(y)
    #expect(values[0] == .infinity)
    #expect(values[1].isNaN)
    // Rounded to bf16, the greatest floats are infinite.
    #expect(values[2].isNaN)
  }
}
