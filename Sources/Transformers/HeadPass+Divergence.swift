internal import Blueprints
public import Compute

extension HeadPass {
  /// KL(teacher ‖ student) of the next token's distributions, summed over the tokens that have a target, times `scale`,
  /// and its gradient with respect to `stream` (distillation, Hinton et al. 2015).
  ///
  /// Both distributions are softened by `temperature`; the sum is multiplied by its square, so that gradients keep their
  /// size. Like the cross-entropy it is counted in natural units.
  ///
  /// - Parameters:
  ///   - teacher: the dense model's last hidden states `[token, hidden]`, of the same tokens.
  ///   - teacherHead: the head that they belong to.
  public func divergence(
    _ stream: Matrix, teacher: Matrix, teacherHead: HeadPass, batch: TokenBatch, temperature: Float, scale: Float
  ) throws -> (value: Double, gradient: Matrix) {
    let states = try applyNorm(stream)
    // Softening the states softens every logit: the output matrix is linear and has no bias.
    let own = try softened(states.normed, temperature)
    let taught = try softened(try teacherHead.applyNorm(teacher).normed, temperature)
    let parts = parts(tokens: stream.rows)
    let logSumExp = try logSumExp(own, parts: parts)
    let teacherLogSumExp = try teacherHead.logSumExp(taught, parts: parts)
    let isCounted = batch.targets.map { $0 >= 0 }
    let dOwn = try backend.makeMatrix(like: stream)
    var sum = 0.0
    for part in parts {
      let logits = try self.logits(own, part: part)
      let divergences = backend.divergenceGradient(
        logits: logits, teacher: try teacherHead.logits(taught, part: part), isCounted: isCounted,
        logSumExp: logSumExp, teacherLogSumExp: teacherLogSumExp, scale: scale * temperature * temperature)
      sum += divergences.reduce(0) { $0 + Double($1) }
      backend.multiply(logits, .none, try outputRows(part), .none, into: dOwn, adding: true)
    }
    let gradient = try normBackward(try softened(dOwn, temperature), of: states, gradients: nil)
    return (sum * Double(scale * temperature * temperature), gradient)
  }

  /// The mean over vocabulary parts needs the whole sum of exponentials first.
  private func logSumExp(_ normed: Matrix, parts: [Range<Int>]) throws -> [Float] {
    var state = CrossEntropyState(tokens: normed.rows)
    let targets = [Int32](repeating: -1, count: normed.rows)
    for part in parts {
      backend.accumulateCrossEntropy(
        logits: try logits(normed, part: part), firstColumn: part.lowerBound, targets: targets, state: &state)
    }
    return state.logSumExp
  }

  private func softened(_ states: Matrix, _ temperature: Float) throws -> Matrix {
    guard temperature != 1 else { return states }
    let result = try backend.makeMatrix(like: states)
    backend.add(states, to: result, scale: 1 / temperature)
    return result
  }
}
