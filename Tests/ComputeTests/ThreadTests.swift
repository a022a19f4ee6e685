import Compute
import TestSupport
import Tensors
import Testing

/// An operation that the CPU's backend splits over its threads, large enough to be split.
enum SplitOperation: String, CaseIterable, Sendable {
  case add, fill, addBias, addColumnSums, rmsNorm, rmsNormBackward, rotate, swiGLU, swiGLUBackward, scaleUnits
  case addUnitProducts, addSaliency, crossEntropy, divergence, columnMaxima, gather, scatter, attention
  case slidingWindow, attentionStep

  private static let (rows, units, width) = (410, 27, 24)

  /// The bits of every result.
  func results(on backend: any ComputeBackend) throws -> [UInt64] {
    var random = SeededGenerator(seed: 71)
    let (rows, columns) = (Self.rows, Self.units * Self.width)
    func matrix(_ rows: Int, _ columns: Int) throws -> Matrix {
      try backend.makeMatrix(rows, columns, values: random.table(rows, columns).floats)
    }
    func bits(_ results: Matrix...) -> [UInt64] {
      results.flatMap { backend.floats($0).map { UInt64($0.bitPattern) } }
    }
    let (x, y, z) = (try matrix(rows, columns), try matrix(rows, columns), try matrix(rows, columns))
    let (vector, perRow) = (try matrix(1, columns), try matrix(rows, 1))
    let targets = (0..<rows).map { Int32($0 % 7) - 1 }
    let layout = SequenceLayout(lengths: [150, 1, 130, 129])
    switch self {
    case .add:
      backend.add(x, to: y, scale: 0.3)
      return bits(y)
    case .fill:
      backend.fill(x, with: 0.3)
      return bits(x)
    case .addBias:
      backend.addBias(vector, to: x)
      return bits(x)
    case .addColumnSums:
      backend.addColumnSums(of: x, to: vector)
      return bits(vector)
    case .rmsNorm:
      backend.rmsNorm(x, weight: vector, epsilon: 1e-5, into: y, inverseRMS: perRow)
      return bits(y, perRow)
    case .rmsNormBackward:
      let gradient = try matrix(1, columns)
      backend.rmsNormBackward(x, x: y, weight: vector, inverseRMS: perRow, addingTo: z, weightGradient: gradient)
      return bits(z, gradient)
    case .rotate:
      let table = RotaryTests.rotaryTable(positions: 150, half: Self.width / 2)
      backend.rotate(x, layout: layout, table: table, inverse: false)
      return bits(x)
    case .swiGLU:
      backend.swiGLU(gate: x, up: y, into: z)
      return bits(z)
    case .swiGLUBackward:
      let (dGate, dUp) = (try backend.makeMatrix(like: x), try backend.makeMatrix(like: x))
      backend.swiGLUBackward(x, gate: y, up: z, dGate: dGate, dUp: dUp)
      return bits(dGate, dUp)
    case .scaleUnits:
      backend.scaleUnits(x, by: try matrix(1, Self.units), width: Self.width)
      backend.scaleUnits(x, by: vector, width: 1)
      return bits(x)
    case .addUnitProducts:
      var sums = [[Double](repeating: 0.5, count: Self.units), [Double](repeating: 0.5, count: columns)]
      backend.addUnitProducts(of: x, with: y, width: Self.width, to: &sums[0])
      backend.addUnitProducts(of: x, with: y, width: 1, to: &sums[1])
      return sums.joined().map(\.bitPattern)
    case .addSaliency:
      var sums = [[Double](repeating: 0.5, count: rows / 10), [Double](repeating: 0.5, count: Self.units)]
      backend.addSaliency(weight: x, gradient: y, axis: .rows, width: 10, to: &sums[0])
      backend.addSaliency(weight: x, gradient: y, axis: .columns, width: Self.width, to: &sums[1])
      backend.addSaliency(weight: x, gradient: nil, axis: .columns, width: Self.width, to: &sums[1])
      return sums.joined().map(\.bitPattern)
    case .crossEntropy:
      var state = CrossEntropyState(tokens: rows)
      backend.accumulateCrossEntropy(logits: x, firstColumn: 0, targets: targets, state: &state)
      backend.accumulateCrossEntropy(logits: y, firstColumn: columns, targets: targets, state: &state)
      backend.crossEntropyGradient(
        logits: x, firstColumn: 0, targets: targets, logSumExp: state.logSumExp, scale: 0.3)
      return bits(x) + (state.logSumExp + state.targetLogits).map { UInt64($0.bitPattern) }
    case .divergence:
      let logarithms = backend.floats(perRow).map { 7 + $0 }
      let divergences = backend.divergenceGradient(
        logits: x, teacher: y, isCounted: targets.map { $0 >= 0 }, logSumExp: logarithms,
        teacherLogSumExp: logarithms, scale: 0.3)
      return bits(x) + divergences.map { UInt64($0.bitPattern) }
    case .columnMaxima:
      let maxima = backend.columnMaxima(x)
      return maxima.values.map { UInt64($0.bitPattern) } + maxima.rows.map { UInt64($0) }
    case .gather, .scatter:
      let indices = (0..<rows).map { Int32($0 * 7 % 100) }
      backend.addRows(of: x, at: indices, to: y, scale: 0.3, direction: self == .gather ? .gather : .scatter)
      return bits(y)
    case .attention, .slidingWindow:
      let geometry = AttentionGeometry(
        queryHeads: Self.units, keyValueHeads: 9, headWidth: Self.width, scale: 0.2, isCausal: true,
        slidingWindow: self == .slidingWindow ? 70 : nil)
      let (key, value) = (try matrix(rows, columns / 3), try matrix(rows, columns / 3))
      let (dKey, dValue) = (try backend.makeMatrix(like: key), try backend.makeMatrix(like: key))
      let (output, dQuery) = (try backend.makeMatrix(like: x), try backend.makeMatrix(like: x))
      let logarithms = try backend.makeMatrix(rows, Self.units)
      try backend.attention(
        query: x, key: key, value: value, layout: layout, geometry: geometry, into: output, logSumExp: logarithms)
      try backend.attentionBackward(
        y, query: x, key: key, value: value, output: output, logSumExp: logarithms, layout: layout,
        geometry: geometry, dQuery: dQuery, dKey: dKey, dValue: dValue)
      return bits(output, logarithms, dQuery, dKey, dValue)
    case .attentionStep:
      let geometry = AttentionGeometry(
        queryHeads: Self.units, keyValueHeads: 9, headWidth: Self.width, scale: 0.2, isCausal: true)
      let output = try backend.makeMatrix(like: x)
      try backend.attentionStep(
        query: x, keys: try matrix(rows, columns / 3), values: try matrix(rows, columns / 3),
        rows: (0..<rows).map { $0 / 2..<$0 + 1 }, geometry: geometry, into: output)
      return bits(output)
    }
  }
}

/// The number of threads is no part of a result. Each test is a process of its own, because OpenBLAS's number of threads is
/// the process's, and other tests compare bits of products meanwhile.
@Suite struct ThreadTests {
  @Test func loopsHaveTheSameBits() async {
    await #expect(processExitsWith: .success) {
      for operation in SplitOperation.allCases {
        let alone = try operation.results(on: TestedBackend.cpu.make(threads: 1))
        #expect(Set(alone).count > 1 || operation == .fill)
        for threads in [2, 3] {
          // Several times, since threads take parts in another order each time.
          for _ in 0..<3 {
            let backend = TestedBackend.cpu.make(threads: threads)
            #expect(try operation.results(on: backend) == alone, "\(operation) on \(threads) threads")
          }
        }
      }
    }
  }

  /// OpenBLAS may split a product's sums otherwise.
  @Test func productsAgree() async {
    await #expect(processExitsWith: .success) {
      var random = SeededGenerator(seed: 72)
      let (a, b) = (random.table(300, 200), random.table(200, 250))
      let products = try [1, 2, 3].map { threads in
        let backend = TestedBackend.cpu.make(threads: threads)
        let c = try backend.makeMatrix(300, 250)
        backend.multiply(
          try backend.makeMatrix(300, 200, values: a.floats), .none,
          try backend.makeMatrix(200, 250, values: b.floats), .none, into: c, adding: false)
        return backend.floats(c)
      }
      for product in products.dropFirst() { #expect(relativeError(product, products[0]) < 1e-6) }
    }
  }
}
