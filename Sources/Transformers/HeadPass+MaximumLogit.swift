internal import Blueprints
public import Compute

extension HeadPass {
  /// The sum over sequences and vocabulary of the largest logit over tokens, times `scale`, and its gradient with respect
  /// to `stream` (the objective of the NIRVANA paper's code).
  ///
  /// Only one token per sequence and vocabulary entry has a gradient, so the backward pass gathers and scatters rows
  /// where a full product would multiply zeros. Of equal logits the first token's counts.
  public func maximumLogit(
    _ stream: Matrix, batch: TokenBatch, scale: Float, gradients: GroupMatrices?
  ) throws -> (value: Double, gradient: Matrix) {
    let states = try applyNorm(stream)
    let dNormed = try backend.makeMatrix(like: stream)
    let matrixGradient = gradients?[TensorRole(.head, .headWeight)]
    var sum = 0.0
    for part in parts(tokens: batch.layout.longest) {
      let weights = try outputRows(part)
      for sequence in 0..<batch.layout.count {
        let rows = batch.layout.rows(of: sequence)
        let normed = states.normed.rows(rows)
        let maxima = backend.columnMaxima(try logits(normed, part: part))
        noteOverflow(in: maxima.values)
        sum += maxima.values.reduce(0) { $0 + Double($1) }
        backend.addRows(of: weights, at: maxima.rows, to: dNormed.rows(rows), scale: scale, direction: .scatter)
        if let matrixGradient {
          backend.addRows(
            of: normed, at: maxima.rows, to: matrixGradient.rows(part), scale: scale, direction: .gather)
        }
      }
    }
    return (sum * Double(scale), try normBackward(dNormed, of: states, gradients: gradients))
  }
}
