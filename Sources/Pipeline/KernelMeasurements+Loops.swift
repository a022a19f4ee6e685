internal import Compute
internal import Tensors

/// Loops over vectors: what counts is bytes. Each operand counts once where it is read and once where it is written;
/// vectors of a width alone (weights of norms, rotary tables) are not counted.
extension KernelMeasurements {
  func loops() throws -> [Row] {
    let rows = try norms() + rotation() + mlp() + saliency() + objectives() + load()
    backend.releaseUnusedMemory()
    return rows
  }

  /// `passes` float32 numbers are read or written for each element of `[rows, columns]`.
  private func row(
    _ name: String, _ matrix: Matrix, _ direction: Row.Direction = .forward, passes: Double, _ body: () throws -> Void
  ) throws -> Row {
    Row(
      name: name, direction: direction, shape: [matrix.rows, matrix.columns],
      work: .bytes(passes * 4 * Double(matrix.count)), seconds: try timer.seconds(body))
  }

  private func norms() throws -> [Row] {
    let (x, y, dx) = (try noise(shape.hiddenSize), try noise(shape.hiddenSize), try noise(shape.hiddenSize))
    let weight = try backend.makeNoise(1, shape.hiddenSize)
    let inverseRMS = try backend.makeMatrix(tokens, 1)
    return [
      try row("add to the stream", x, passes: 3) { backend.add(x, to: dx, scale: 1e-3) },
      try row("RMSNorm", x, passes: 2) {
        backend.rmsNorm(x, weight: weight, epsilon: 1e-5, into: y, inverseRMS: inverseRMS)
      },
      try row("RMSNorm", x, .backward, passes: 4) {
        backend.rmsNormBackward(y, x: x, weight: weight, inverseRMS: inverseRMS, addingTo: dx, weightGradient: nil)
      },
    ]
  }

  private func rotation() throws -> [Row] {
    let x = try noise(shape.queryHeads * shape.headWidth)
    let half = shape.headWidth / 2
    // Any rotation takes as long as any other.
    let table = RotaryTable(
      half: half, cosines: Array(repeating: 0.8, count: tokens * half),
      sines: Array(repeating: 0.6, count: tokens * half))
    let layout = SequenceLayout(lengths: [tokens])
    return [
      try row("rotary embedding", x, passes: 2) { backend.rotate(x, layout: layout, table: table, inverse: false) },
      try row("rotary embedding", x, .backward, passes: 2) {
        backend.rotate(x, layout: layout, table: table, inverse: true)
      },
    ]
  }

  private func mlp() throws -> [Row] {
    let (gate, up, y) = (try noise(shape.neurons), try noise(shape.neurons), try noise(shape.neurons))
    let (dGate, dUp) = (try noise(shape.neurons), try noise(shape.neurons))
    return [
      try row("SwiGLU", y, passes: 3) { backend.swiGLU(gate: gate, up: up, into: y) },
      try row("SwiGLU", y, .backward, passes: 5) {
        backend.swiGLUBackward(y, gate: gate, up: up, dGate: dGate, dUp: dUp)
      },
    ]
  }

  private func saliency() throws -> [Row] {
    let rows = try backend.makeNoise(shape.neurons, shape.hiddenSize)
    let rowGradient = try backend.makeNoise(shape.neurons, shape.hiddenSize)
    let columns = Matrix(buffer: rows.buffer, rows: shape.hiddenSize, columns: shape.neurons)
    let columnGradient = Matrix(buffer: rowGradient.buffer, rows: shape.hiddenSize, columns: shape.neurons)
    var scores = [Double](repeating: 0, count: shape.neurons)
    return [
      try row("saliency of rows", rows, passes: 2) {
        backend.addSaliency(weight: rows, gradient: rowGradient, axis: .rows, width: 1, to: &scores)
      },
      try row("saliency of columns", columns, passes: 2) {
        backend.addSaliency(weight: columns, gradient: columnGradient, axis: .columns, width: 1, to: &scores)
      },
    ]
  }

  private func objectives() throws -> [Row] {
    let logits = try noise(shape.headRows)
    let targets = (0..<tokens).map { Int32($0 % shape.headRows) }
    let logSumExp = [Float](repeating: 10, count: tokens)
    var state = CrossEntropyState(tokens: tokens)
    return [
      try row("largest logits", logits, passes: 1) { _ = backend.columnMaxima(logits) },
      try row("cross-entropy", logits, passes: 1) {
        backend.accumulateCrossEntropy(logits: logits, firstColumn: 0, targets: targets, state: &state)
      },
      // In place: from the second call on it works on gradients, which takes as long.
      try row("cross-entropy", logits, .backward, passes: 2) {
        backend.crossEntropyGradient(
          logits: logits, firstColumn: 0, targets: targets, logSumExp: logSumExp, scale: 1e-3)
      },
    ]
  }

  /// Two bytes of bf16 in, four of float32 out; and two in where they are only looked at for NaN.
  private func load() throws -> [Row] {
    let matrix = try backend.makeMatrix(shape.neurons, shape.hiddenSize)
    let stored = try StoredTensor(
      name: "weight", elementType: .bfloat16, shape: Shape([shape.neurons, shape.hiddenSize]),
      bytes: Array(repeating: 0x3C, count: 2 * matrix.count))
    return [
      try row("widen bf16", matrix, passes: 1.5) { try backend.load(stored, rows: 0..<shape.neurons, into: matrix) },
      try row("check bf16", matrix, passes: 0.5) { try stored.requireFinite() },
    ]
  }

  private func noise(_ columns: Int) throws -> Matrix { try backend.makeNoise(tokens, columns) }
}
