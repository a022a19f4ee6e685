import Compute
import Testing

/// Sequences and heads for a test of attention.
struct AttentionCase: Sendable, CustomTestStringConvertible {
  let lengths: [Int]
  let queryHeads: Int
  let keyValueHeads: Int
  let width: Int
  let isCausal: Bool
  var slidingWindow: Int?

  var layout: SequenceLayout { SequenceLayout(lengths: lengths) }

  var geometry: AttentionGeometry {
    AttentionGeometry(
      queryHeads: queryHeads, keyValueHeads: keyValueHeads, headWidth: width,
      scale: Float(1 / Double(width).squareRoot()), isCausal: isCausal, slidingWindow: slidingWindow)
  }

  var testDescription: String {
    "\(lengths) tokens, \(queryHeads)/\(keyValueHeads) heads of \(width), \(isCausal ? "causal" : "full")"
      + (slidingWindow.map { ", window \($0)" } ?? "")
  }

  /// Small: one token, one number per head, grouped heads, several sequences.
  static let small = [false, true].flatMap { isCausal in
    [
      AttentionCase(lengths: [1], queryHeads: 1, keyValueHeads: 1, width: 1, isCausal: isCausal),
      AttentionCase(lengths: [3], queryHeads: 1, keyValueHeads: 1, width: 1, isCausal: isCausal),
      AttentionCase(lengths: [5, 1, 3], queryHeads: 2, keyValueHeads: 2, width: 4, isCausal: isCausal),
      AttentionCase(lengths: [4, 7], queryHeads: 6, keyValueHeads: 2, width: 3, isCausal: isCausal),
      AttentionCase(lengths: [17], queryHeads: 4, keyValueHeads: 1, width: 5, isCausal: isCausal),
    ]
  }

  /// Windows of one token, of some, and longer than every sequence.
  static let smallWindows: [AttentionCase] = [1, 2, 4, 100, Int.max].flatMap { (window: Int) -> [AttentionCase] in
    [[5, 1, 3], [17]].map { (lengths: [Int]) -> AttentionCase in
      AttentionCase(
        lengths: lengths, queryHeads: 6, keyValueHeads: 2, width: 3, isCausal: true, slidingWindow: window)
    }
  }

  /// Around the 128 queries and 512 keys that the CPU's backend takes together of two heads to a key-value head: windows
  /// smaller and larger than both, so that a tile is seen whole, in part by some queries, not by others, or not at all.
  static let longWindows: [AttentionCase] = [
    ([130], 1), ([257], 127), ([257], 128), ([300, 2, 140], 129), ([700], 60), ([1100], 530),
  ].map { (lengths: [Int], window: Int) -> AttentionCase in
    AttentionCase(
      lengths: lengths, queryHeads: 2, keyValueHeads: 1, width: 6, isCausal: true, slidingWindow: window)
  }

  /// Around the edges of its tiles of keys; many heads to a key-value head, of which it takes fewer queries together.
  static let longKeys: [AttentionCase] = [false, true].flatMap { (isCausal: Bool) -> [AttentionCase] in
    let lengths = [511, 512, 513, 1025]
    return lengths.map {
      AttentionCase(lengths: [$0], queryHeads: 2, keyValueHeads: 1, width: 2, isCausal: isCausal)
    } + [
      AttentionCase(lengths: [70, 33], queryHeads: 16, keyValueHeads: 2, width: 3, isCausal: isCausal),
      AttentionCase(lengths: [450], queryHeads: 20, keyValueHeads: 1, width: 2, isCausal: isCausal),
    ]
  }

  /// Around the 128 queries that the CPU's backend takes together.
  static let long = [false, true].flatMap { isCausal in
    [[127], [128], [129], [300], [1, 130, 2, 257]].map { lengths in
      AttentionCase(lengths: lengths, queryHeads: 2, keyValueHeads: 1, width: 6, isCausal: isCausal)
    }
  }
}

/// The operands of one attention, in numbers and in a backend, and its forward pass.
struct AttentionRun {
  let bench: Workbench
  let shape: AttentionCase
  let query: Table
  let key: Table
  let value: Table
  let dOutput: Table
  /// Query, key, value and the output's gradient in the backend.
  let stored: [Matrix]
  let output: Matrix
  let logSumExp: Matrix

  init(_ shape: AttentionCase, _ setup: Setup, queryScale: Double = 1.75) throws {
    self.shape = shape
    bench = Workbench(setup)
    var random = SeededGenerator(seed: 31)
    let (tokens, width) = (shape.layout.tokens, shape.width)
    query = random.table(tokens, shape.queryHeads * width, scale: queryScale)
    key = random.table(tokens, shape.keyValueHeads * width)
    value = random.table(tokens, shape.keyValueHeads * width)
    dOutput = random.table(tokens, shape.queryHeads * width)
    stored = try [query, key, value, dOutput].map { [bench] in try bench.matrix($0) }
    output = try bench.result(tokens, query.columns)
    logSumExp = try bench.result(tokens, shape.queryHeads)
    try bench.backend.attention(
      query: stored[0], key: stored[1], value: stored[2], layout: shape.layout, geometry: shape.geometry, into: output,
      logSumExp: logSumExp)
  }

  /// The gradients with respect to query, key and value, written over NaN.
  func backward() throws -> (dQuery: Matrix, dKey: Matrix, dValue: Matrix) {
    let dQuery = try bench.result(query.rows, query.columns)
    let dKey = try bench.result(key.rows, key.columns)
    let dValue = try bench.result(value.rows, value.columns)
    try bench.backend.attentionBackward(
      stored[3], query: stored[0], key: stored[1], value: stored[2], output: output, logSumExp: logSumExp,
      layout: shape.layout, geometry: shape.geometry, dQuery: dQuery, dKey: dKey, dValue: dValue)
    return (dQuery, dKey, dValue)
  }

  /// The loss whose gradient with respect to the output is `dOutput`.
  func loss(_ query: Table, _ key: Table, _ value: Table) -> Double {
    Formula.attention(query, key, value, layout: shape.layout, geometry: shape.geometry).output.inner(dOutput)
  }
}
