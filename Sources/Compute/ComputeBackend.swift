internal import Glibc
public import Tensors

/// The arithmetic that a transformer's forward and backward passes are made of, and the memory under it.
///
/// A backend owns its buffers: matrices come from `makeMatrix` and are only ever given back to the same backend. All
/// numbers are float32; weights of other types are widened by `load`. Shapes in comments are `[rows, columns]`; they
/// are checked, and a wrong one is a programmer's error that traps. Backward operations stand after their forward ones
/// and *add* to the gradients of parameters, because several microbatches share those, but *overwrite* gradients of
/// activations unless they say otherwise.
///
/// `ReferenceBackend` computes the same in plain loops: it is the oracle of every other backend's tests.
public protocol ComputeBackend: AnyObject {
  /// As in reports, such as `cpu (OpenBLAS 0.3.21 SkylakeX)`.
  var name: String { get }

  // MARK: Memory

  /// A dense matrix; all zero, unless the next operation overwrites every element and says so: then clearing it would
  /// only cost a pass over memory.
  func makeMatrix(_ rows: Int, _ columns: Int, isZeroed: Bool) throws(ComputeError) -> Matrix
  /// A dense copy in memory of its own.
  func copy(_ x: Matrix) throws(ComputeError) -> Matrix
  /// Widens the part of a stored tensor that `rows` names (indices of its first dimension) into a dense matrix of as many
  /// elements.
  func load(_ tensor: StoredTensor, rows: Range<Int>, into matrix: Matrix) throws(StorageError)
  /// The part of a stored weight that `rows` names, as a factor of products; it may share the tensor's memory and keep
  /// its element type. Only `multiply` (as `b`), `addSaliency` (as `weight`) and `addRows` (as `x`) take it, and views of
  /// it; to anything else it is a matrix of another backend.
  func makeWeight(_ tensor: StoredTensor, rows: Range<Int>) throws -> Matrix
  /// Copies host numbers, row by row, into a matrix of as many elements.
  func write(_ values: Span<Float>, into matrix: Matrix)
  /// Copies a matrix, row by row, to the host.
  func read(_ matrix: Matrix, into values: inout MutableSpan<Float>)
  /// Lets the host change a dense matrix's numbers, row by row; in place where the matrix is in host memory.
  func update(_ matrix: Matrix, _ body: (inout MutableSpan<Float>) throws -> Void) throws
  /// Whether no element is infinite or NaN.
  func isFinite(_ x: Matrix) -> Bool
  /// Sets every element.
  func fill(_ matrix: Matrix, with value: Float)
  /// y += scale · x, both `[rows, columns]`.
  func add(_ x: Matrix, to y: Matrix, scale: Float)

  /// Gives memory that no matrix uses back to the system, as between two phases.
  func releaseUnusedMemory()
  /// The most bytes that its matrices took at a time since the last call.
  func takePeakBytes() -> Int

  // MARK: Products

  /// c = op(a) · op(b), or c += op(a) · op(b) when `adding`.
  func multiply(
    _ a: Matrix, _ aTransposition: Transposition, _ b: Matrix, _ bTransposition: Transposition, into c: Matrix,
    adding: Bool)
  /// gradient `[out, in]` += dyᵀ · x, with dy `[token, out]` and x `[token, in]`: a weight's gradient, in whatever precision
  /// the backend multiplies weights with.
  func addWeightGradient(_ dy: Matrix, x: Matrix, to gradient: Matrix)
  /// Adds the vector `bias` `[1, columns]` to every row of `x` `[token, columns]`.
  func addBias(_ bias: Matrix, to x: Matrix)
  /// The backward pass of `addBias`: sums `[1, columns]` += the sum of the rows of `x`.
  func addColumnSums(of x: Matrix, to sums: Matrix)

  // MARK: Norm and position

  /// y = x / √(mean(x²) + ε) · weight per row; `inverseRMS` `[token, 1]` keeps 1/√… for the backward pass.
  func rmsNorm(_ x: Matrix, weight: Matrix, epsilon: Float, into y: Matrix, inverseRMS: Matrix)
  /// dx += …, because the residual stream's gradient is already there; dweight `[1, columns]` += … unless nil.
  func rmsNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, inverseRMS: Matrix, addingTo dx: Matrix, weightGradient: Matrix?)
  /// y = (x − mean) / √(variance + ε) · weight + bias per row, without a bias when nil; `mean` and `inverseDeviation`
  /// `[token, 1]` keep each row's mean and 1/√… for the backward pass.
  func layerNorm(
    _ x: Matrix, weight: Matrix, bias: Matrix?, epsilon: Float, into y: Matrix, mean: Matrix, inverseDeviation: Matrix)
  /// dx += …, as of ``rmsNormBackward(_:x:weight:inverseRMS:addingTo:weightGradient:)``; the gradients of weight and bias
  /// `[1, columns]` += … unless nil.
  func layerNormBackward(
    _ dy: Matrix, x: Matrix, weight: Matrix, mean: Matrix, inverseDeviation: Matrix, addingTo dx: Matrix,
    weightGradient: Matrix?, biasGradient: Matrix?)
  /// Rotates each head of `x` `[token, head · width]` in place by its token's position in its sequence (rotary position
  /// embedding in Hugging Face's halves: element i pairs with i + width/2). `inverse` is the transpose: the backward pass.
  func rotate(_ x: Matrix, layout: SequenceLayout, table: RotaryTable, inverse: Bool)

  // MARK: Attention

  /// output `[token, queryHeads · width]` = softmax(scale · q kᵀ, masked) · v within each sequence, with `q` like the
  /// output and `k`, `v` `[token, keyValueHeads · width]`; `logSumExp` `[token, queryHeads]` is kept for the backward pass.
  func attention(
    query q: Matrix, key k: Matrix, value v: Matrix, layout: SequenceLayout, geometry: AttentionGeometry,
    into output: Matrix, logSumExp: Matrix) throws(ComputeError)
  /// The gradients of q, k and v from that of the output; probabilities are computed again, not kept.
  func attentionBackward(
    _ dOutput: Matrix, query q: Matrix, key k: Matrix, value v: Matrix, output: Matrix, logSumExp: Matrix,
    layout: SequenceLayout, geometry: AttentionGeometry, dQuery: Matrix, dKey: Matrix, dValue: Matrix)
    throws(ComputeError)
  /// Attention of one new token per sequence over the keys and values that the sequence has so far, its own last.
  ///
  /// - Parameters:
  ///   - query: `[sequence, queryHeads · width]`, as is the output.
  ///   - keys: `[row, keyValueHeads · width]`, as are the values.
  ///   - rows: those of `keys` and `values` that each sequence has, at least one; of a sliding window the last ones are read.
  func attentionStep(
    query: Matrix, keys: Matrix, values: Matrix, rows: [Range<Int>], geometry: AttentionGeometry, into output: Matrix)
    throws(ComputeError)

  // MARK: MLP

  /// y = silu(gate) · up, element by element; all `[token, neuron]`.
  func swiGLU(gate: Matrix, up: Matrix, into y: Matrix)
  func swiGLUBackward(_ dy: Matrix, gate: Matrix, up: Matrix, dGate: Matrix, dUp: Matrix)
  /// y = GELU(x), element by element; both `[token, neuron]`.
  func gelu(_ x: Matrix, approximation: GELUApproximation, into y: Matrix)
  func geluBackward(_ dy: Matrix, x: Matrix, approximation: GELUApproximation, into dx: Matrix)

  // MARK: Units

  /// Multiplies the columns `u · width ..< (u + 1) · width` of `x` by `factors[u]` `[1, units]`. It is its own backward
  /// pass with respect to `x`.
  func scaleUnits(_ x: Matrix, by factors: Matrix, width: Int)
  /// The backward pass of `scaleUnits` with respect to the factors: gradients[u] += Σ x · dy over unit u's columns of all
  /// rows, with `x` as it was before it was scaled.
  func addUnitProducts(of x: Matrix, with dy: Matrix, width: Int, to gradients: inout [Double])
  /// scores[u] += Σ |gradient · weight| over unit u's part of a weight; without a gradient Σ |weight|.
  /// Reads rows or columns of `width` per unit, for every unit there is a score for.
  func addSaliency(weight: Matrix, gradient: Matrix?, axis: UnitAxis, width: Int, to scores: inout [Double])

  // MARK: Objectives

  /// Folds the logits `[token, columns]` of the vocabulary's part from `firstColumn` into running maxima and sums of
  /// exponentials `[token]`, and copies the logit of each row's target (−1: none) when it lies in this part.
  func accumulateCrossEntropy(
    logits: Matrix, firstColumn: Int, targets: [Int32], state: inout CrossEntropyState)
  /// Turns the logits of that part into ∂loss/∂logits in place: `scale` · (softmax − one-hot); rows without a target get zeros.
  func crossEntropyGradient(
    logits: Matrix, firstColumn: Int, targets: [Int32], logSumExp: [Float], scale: Float)
  /// Turns the student's logits of a part of the vocabulary into ∂/∂logits of KL(teacher ‖ student) in place: `scale` ·
  /// (softmax(logits) − softmax(teacher)), zeros for rows that are not counted.
  ///
  /// - Parameter isCounted: `[token]`.
  /// - Returns: the part's share of each row's KL in natural units, unscaled, `[token]`; 0 for rows that are not counted.
  func divergenceGradient(
    logits: Matrix, teacher: Matrix, isCounted: [Bool], logSumExp: [Float], teacherLogSumExp: [Float], scale: Float
  ) -> [Float]
  /// Per column of `logits` `[token, columns]` the largest value and the row that has it (the first of equals).
  func columnMaxima(_ logits: Matrix) -> (values: [Float], rows: [Int32])
  /// y[i] += scale · x[rows[i]] for each row i of `y`: a gather (`to: .rows`), or y[rows[i]] += scale · x[i]: a scatter.
  func addRows(of x: Matrix, at rows: [Int32], to y: Matrix, scale: Float, direction: RowDirection)
}

/// Which GELU (Hendrycks and Gimpel 2016); named as PyTorch's `approximate` is.
public enum GELUApproximation: Sendable, CaseIterable {
  /// x · Φ(x) = x · (1 + erf(x/√2)) / 2: `gelu` in Hugging Face's configurations.
  case none
  /// x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2: `gelu_new` and `gelu_pytorch_tanh` there.
  case tanh
}

/// Which side of `addRows` the row numbers speak of.
public enum RowDirection: Sendable {
  /// y[i] += scale · x[rows[i]].
  case gather
  /// y[rows[i]] += scale · x[i].
  case scatter
}

/// Running results of a cross-entropy over a vocabulary that comes in parts, one entry per token.
public struct CrossEntropyState: Sendable {
  public var maxima: [Float]
  /// Sums of exp(logit − maximum).
  public var sums: [Float]
  public var targetLogits: [Float]

  public init(tokens: Int) {
    maxima = Array(repeating: -Float.infinity, count: tokens)
    sums = Array(repeating: 0, count: tokens)
    targetLogits = Array(repeating: 0, count: tokens)
  }

  /// log Σ exp(logit) per token.
  public var logSumExp: [Float] {
    zip(maxima, sums).map { maximum, sum in maximum + Float(log(Double(sum))) }
  }
}

extension ComputeBackend {
  public func makeWeight(_ tensor: StoredTensor, rows: Range<Int>) throws -> Matrix {
    let matrix = try makeMatrix(rows.count, tensor.shape.dimensions.dropFirst().reduce(1, *), isZeroed: false)
    try load(tensor, rows: rows, into: matrix)
    return matrix
  }

  public func addWeightGradient(_ dy: Matrix, x: Matrix, to gradient: Matrix) {
    multiply(dy, .transposed, x, .none, into: gradient, adding: true)
  }

  /// A dense matrix; all zero.
  public func makeMatrix(_ rows: Int, _ columns: Int) throws(ComputeError) -> Matrix {
    try makeMatrix(rows, columns, isZeroed: true)
  }

  /// A matrix with the same shape as another; all zero, or to be overwritten.
  public func makeMatrix(like other: Matrix, isZeroed: Bool = true) throws(ComputeError) -> Matrix {
    try makeMatrix(other.rows, other.columns, isZeroed: isZeroed)
  }

  /// The matrix's numbers, row by row.
  public func floats(_ matrix: Matrix) -> [Float] {
    var values = [Float](repeating: 0, count: matrix.count)
    var span = values.mutableSpan
    read(matrix, into: &span)
    return values
  }

  /// A matrix with these numbers, row by row.
  public func makeMatrix(_ rows: Int, _ columns: Int, values: [Float]) throws(ComputeError) -> Matrix {
    let matrix = try makeMatrix(rows, columns, isZeroed: false)
    write(values.span, into: matrix)
    return matrix
  }
}
