public import Blueprints
public import Compute
internal import Tensors

/// The output head over one backend: final norm, then the output matrix in parts of the vocabulary, so that neither the
/// logits of a batch nor a widened copy of the matrix has to exist as a whole.
public final class HeadPass {
  let backend: any ComputeBackend
  private let weights: GroupWeights
  private let norm: NormSpecification
  private let normWeight: Matrix
  private let vocabularySize: Int
  private let hiddenSize: Int
  /// Rows of the output matrix: all of them when they are few enough to keep in float32, else those of the last part.
  private var output: (range: Range<Int>, matrix: Matrix)?
  /// How many rows there are at a time.
  private let outputCapacity: Int
  /// Whether logits that were looked at were infinite or NaN.
  private(set) var hasOverflowed = false

  /// Float32 numbers of the output matrix, or of a batch's logits, that may exist at a time: 256 MiB.
  static let elementBudget = 1 << 26

  /// A head with the weights of group `.head`.
  ///
  /// - Throws: ``TransformerError`` for a head that has no arithmetic yet; ``ComputeError`` without memory.
  public init(_ blueprint: Blueprint, weights: GroupWeights, backend: any ComputeBackend) throws {
    guard let norm = blueprint.stacks.last?.finalNorm, norm.kind == .rms, blueprint.head.transform == nil,
      !blueprint.head.hasBias, blueprint.head.inputScale == 1
    else { throw TransformerError.unsupported("an output head other than RMSNorm and one matrix") }
    self.backend = backend
    self.weights = weights
    self.norm = norm
    vocabularySize = blueprint.vocabularySize
    hiddenSize = blueprint.hiddenSize
    normWeight = try backend.makeMatrix(1, hiddenSize)
    try backend.load(weights[TensorRole(.head, .normWeight)], rows: 0..<hiddenSize, into: normWeight)
    outputCapacity = Self.outputCapacity(vocabularySize, hiddenSize: hiddenSize)
  }

  /// Rows of the output matrix that exist at a time.
  static func outputCapacity(_ vocabularySize: Int, hiddenSize: Int) -> Int {
    max(1, min(vocabularySize, elementBudget / hiddenSize))
  }

  /// The normed last hidden states and what the norm's backward pass needs.
  struct Normed {
    let stream: Matrix
    let normed: Matrix
    let inverseRMS: Matrix
  }

  func applyNorm(_ stream: Matrix) throws -> Normed {
    let normed = try backend.makeMatrix(like: stream)
    let inverseRMS = try backend.makeMatrix(stream.rows, 1)
    backend.rmsNorm(stream, weight: normWeight, epsilon: norm.epsilon, into: normed, inverseRMS: inverseRMS)
    return Normed(stream: stream, normed: normed, inverseRMS: inverseRMS)
  }

  /// The gradient of the stream from that of the normed states.
  func normBackward(_ dNormed: Matrix, of states: Normed, gradients: GroupMatrices?) throws -> Matrix {
    let gradient = try backend.makeMatrix(like: dNormed)
    backend.rmsNormBackward(
      dNormed, x: states.stream, weight: normWeight, inverseRMS: states.inverseRMS, addingTo: gradient,
      weightGradient: gradients?[TensorRole(.head, .normWeight)])
    return gradient
  }

  /// Ranges of the vocabulary whose logits for `tokens` tokens fit the budget.
  func parts(tokens: Int) -> [Range<Int>] {
    let size = max(1, min(outputCapacity, Self.elementBudget / max(1, tokens)))
    return stride(from: 0, to: vocabularySize, by: size).map { $0..<min($0 + size, vocabularySize) }
  }

  /// The rows of the output matrix for a part of the vocabulary, `[part, hidden]`.
  func outputRows(_ range: Range<Int>) throws -> Matrix {
    if let output, output.range.lowerBound <= range.lowerBound, range.upperBound <= output.range.upperBound {
      let start = range.lowerBound - output.range.lowerBound
      return output.matrix.rows(start..<start + range.count)
    }
    let start = outputCapacity == vocabularySize ? 0 : range.lowerBound
    let loaded = start..<min(start + outputCapacity, vocabularySize)
    // The rows of the last part make room first.
    output = nil
    let matrix = try backend.makeWeight(weights[TensorRole(.head, .headWeight)], rows: loaded)
    output = (loaded, matrix)
    return matrix.rows(range.lowerBound - start..<range.upperBound - start)
  }

  /// The logits of a part of the vocabulary for some tokens, `[token, part]`.
  func logits(_ normed: Matrix, part: Range<Int>) throws -> Matrix {
    try backend.project(normed, weight: try outputRows(part), bias: nil)
  }

  /// Looks at numbers that logits made, and that are finite when the logits are.
  func noteOverflow(in numbers: [Float]) {
    if !numbers.allSatisfy(\.isFinite) { hasOverflowed = true }
  }

  /// All logits of a batch's last hidden states, `[token, vocabulary]`: for tests and generation, not for long texts.
  public func logits(_ stream: Matrix) throws -> Matrix {
    let states = try applyNorm(stream)
    let logits = try backend.makeMatrix(stream.rows, vocabularySize, isZeroed: false)
    for part in parts(tokens: stream.rows) {
      backend.multiply(
        states.normed, .none, try outputRows(part), .transposed, into: logits.columns(part), adding: false)
    }
    return logits
  }
}
