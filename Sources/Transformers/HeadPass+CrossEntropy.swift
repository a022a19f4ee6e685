internal import Blueprints
public import Compute

extension HeadPass {
  /// −log p(target) of each token with a target, `[token]`; 0 for tokens without. Natural logarithm.
  public func negativeLogLikelihoods(_ stream: Matrix, batch: TokenBatch) throws -> [Float] {
    let states = try applyNorm(stream)
    return try crossEntropy(states, targets: batch.targets).losses
  }

  /// The sum of the targets' losses times `scale`, and its gradient with respect to `stream`.
  ///
  /// Adds to the gradients of the final norm and the output matrix that `gradients` has.
  public func loss(
    _ stream: Matrix, batch: TokenBatch, scale: Float, gradients: GroupMatrices?
  ) throws -> (value: Double, gradient: Matrix) {
    let states = try applyNorm(stream)
    let result = try crossEntropy(states, targets: batch.targets)
    let dNormed = try backend.makeMatrix(like: stream)
    for part in parts(tokens: stream.rows) {
      let logits = try result.onlyPart ?? self.logits(states.normed, part: part)
      backend.crossEntropyGradient(
        logits: logits, firstColumn: part.lowerBound, targets: batch.targets, logSumExp: result.logSumExp,
        scale: scale)
      backend.projectBackward(
        logits, x: states.normed, weight: try outputRows(part), into: dNormed, adding: true,
        weightGradient: gradients?[TensorRole(.head, .headWeight)]?.rows(part), biasGradient: nil)
    }
    let gradient = try normBackward(dNormed, of: states, gradients: gradients)
    return (result.losses.reduce(0) { $0 + Double($1) } * Double(scale), gradient)
  }

  private func crossEntropy(
    _ states: Normed, targets: [Int32]
  ) throws -> (losses: [Float], logSumExp: [Float], onlyPart: Matrix?) {
    var state = CrossEntropyState(tokens: targets.count)
    let parts = parts(tokens: targets.count)
    var onlyPart: Matrix?
    for part in parts {
      let logits = try logits(states.normed, part: part)
      backend.accumulateCrossEntropy(logits: logits, firstColumn: part.lowerBound, targets: targets, state: &state)
      // One part that holds the whole vocabulary need not be computed again for the gradient.
      if parts.count == 1 { onlyPart = logits }
    }
    let logSumExp = state.logSumExp
    let losses = targets.indices.map { targets[$0] < 0 ? 0 : logSumExp[$0] - state.targetLogits[$0] }
    noteOverflow(in: losses)
    return (losses, logSumExp, onlyPart)
  }
}
