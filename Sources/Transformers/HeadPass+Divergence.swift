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
    let student = try distribution(own, parts: parts)
    let target = try teacherHead.distribution(taught, parts: parts)
    let isCounted = batch.targets.map { $0 >= 0 }
    let dOwn = try backend.makeMatrix(like: stream)
    var sum = 0.0
    for part in parts {
      let logits = try student.onlyPart ?? self.logits(own, part: part)
      let divergences = backend.divergenceGradient(
        logits: logits, teacher: try target.onlyPart ?? teacherHead.logits(taught, part: part), isCounted: isCounted,
        logSumExp: student.logSumExp, teacherLogSumExp: target.logSumExp, scale: scale * temperature * temperature)
      sum += divergences.reduce(0) { $0 + Double($1) }
      backend.multiply(logits, .none, try outputRows(part), .none, into: dOwn, adding: true)
    }
    let gradient = try normBackward(try softened(dOwn, temperature), of: states, gradients: nil)
    return (sum * Double(scale * temperature * temperature), gradient)
  }

  /// KL(dense ‖ other) of the next token's distributions for each of the other streams, summed over all tokens, in natural
  /// units.
  ///
  /// - Parameters:
  ///   - streams: last hidden states `[token, hidden]` of the same tokens, of models that share this head.
  ///   - dense: those of the model that they are compared with.
  public func divergences(of streams: [Matrix], from dense: Matrix) throws -> [Double] {
    let normed = try applyNorm(dense).normed
    let parts = parts(tokens: dense.rows)
    let target = try distribution(normed, parts: parts)
    let isCounted = [Bool](repeating: true, count: dense.rows)
    return try streams.map { stream in
      let own = try applyNorm(stream).normed
      let other = try distribution(own, parts: parts)
      var sum = 0.0
      for part in parts {
        // The gradient that takes the logits' place is not wanted; beside the product it costs little.
        let divergences = backend.divergenceGradient(
          logits: try other.onlyPart ?? logits(own, part: part),
          teacher: try target.onlyPart ?? logits(normed, part: part), isCounted: isCounted,
          logSumExp: other.logSumExp, teacherLogSumExp: target.logSumExp, scale: 1)
        sum += divergences.reduce(0) { $0 + Double($1) }
      }
      return sum
    }
  }

  /// log Σ exp(logit) per token, which a vocabulary that comes in parts needs first, and the logits when there is but one
  /// part: they need not be computed again.
  private func distribution(
    _ normed: Matrix, parts: [Range<Int>]
  ) throws -> (logSumExp: [Float], onlyPart: Matrix?) {
    var state = CrossEntropyState(tokens: normed.rows)
    let targets = [Int32](repeating: -1, count: normed.rows)
    var onlyPart: Matrix?
    for part in parts {
      let logits = try logits(normed, part: part)
      backend.accumulateCrossEntropy(
        logits: logits, firstColumn: part.lowerBound, targets: targets, state: &state)
      if parts.count == 1 { onlyPart = logits }
    }
    let logSumExp = state.logSumExp
    noteOverflow(in: logSumExp)
    return (logSumExp, onlyPart)
  }

  private func softened(_ states: Matrix, _ temperature: Float) throws -> Matrix {
    guard temperature != 1 else { return states }
    let result = try backend.makeMatrix(like: states)
    backend.add(states, to: result, scale: 1 / temperature)
    return result
  }
}
