internal import Glibc

/// From logits to factors, and back from the factors' gradients (DESIGN §1, Gates).
struct GateFunction: Sendable {
  /// τ: the smaller, the sharper.
  var temperature: Float
  /// Whether a gate is open or closed in the forward pass, not in between.
  var isHard: Bool

  /// m = sigmoid(z / τ).
  func mask(_ logit: Float) -> Float { 1 / (1 + exp(-logit / temperature)) }

  /// ∂m/∂z.
  func slope(_ logit: Float) -> Float {
    let m = mask(logit)
    return m * (1 - m) / temperature
  }

  /// What multiplies a unit's scale: 1[m ≥ ½] when hard, else m.
  ///
  /// An open gate's factor is its units' scale alone: times m, as DESIGN had it first, the first step would not be the
  /// one-shot plan (docs/decisions.md).
  func openness(_ logit: Float) -> Float { isHard ? (logit >= 0 ? 1 : 0) : mask(logit) }
}

extension GateRegistry {
  /// Each unit's factor, `[unit]`, under gates as open as `openness` `[gate]`.
  func factors(openness: [Float]) -> [Float] {
    var factors = scales
    for (gate, units) in unitRanges.enumerated() {
      for unit in units { factors[unit] *= openness[gate] }
    }
    return factors
  }

  /// The gradients of logits and scales from those of the units' factors. A hard gate's gradient goes straight through:
  /// that of m, and so a closed gate learns whether it should open.
  func gradients(
    ofFactors gradients: [Float], openness: [Float], function: GateFunction
  ) -> (logits: [Float], scales: [Float]) {
    var logitGradients = [Float](repeating: 0, count: logits.count)
    var scaleGradients = gradients
    for (gate, units) in unitRanges.enumerated() {
      var sum: Float = 0
      for unit in units {
        sum += gradients[unit] * scales[unit]
        scaleGradients[unit] *= openness[gate]
      }
      logitGradients[gate] = sum * function.slope(logits[gate])
    }
    return (logitGradients, scaleGradients)
  }
}
