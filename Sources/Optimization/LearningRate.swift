internal import Glibc

/// How the learning rate goes over the steps of a run: up in a line over the warm-up, then constant, or down along half a
/// cosine to zero (Hugging Face's `get_cosine_schedule_with_warmup`, but that its first step, at a rate of 0, is left out).
public struct LearningRate: Sendable, Equatable {
  /// The way down.
  public enum Decay: String, Sendable, Equatable, CaseIterable {
    case constant
    case cosine
  }

  public var peak: Float
  public var warmUp: Int
  public var steps: Int
  public var decay: Decay

  /// - Parameters:
  ///   - peak: the rate after the warm-up.
  ///   - warmUp: steps until then.
  ///   - steps: of the whole run.
  public init(peak: Float, warmUp: Int, steps: Int, decay: Decay) {
    self.peak = peak
    self.warmUp = warmUp
    self.steps = steps
    self.decay = decay
  }

  /// The rate of step `index`, from 0.
  public func callAsFunction(_ index: Int) -> Float {
    if index < warmUp { return peak * Float(index + 1) / Float(warmUp + 1) }
    guard decay == .cosine else { return peak }
    let share = Double(index - warmUp) / Double(max(1, steps - warmUp))
    return peak * Float(0.5 * (1 + cos(Double.pi * min(1, share))))
  }
}

/// The Euclidean norm of a gradient.
public func norm(of gradients: [Float]) -> Double {
  gradients.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}

/// Shortens a gradient to at most `limit`, if any, and returns its norm before (`torch.nn.utils.clip_grad_norm_`).
public func clip(_ gradients: inout [Float], to limit: Double?) -> Double {
  let length = norm(of: gradients)
  if let limit, length > limit {
    let factor = Float(limit / length)
    for i in gradients.indices { gradients[i] *= factor }
  }
  return length
}
