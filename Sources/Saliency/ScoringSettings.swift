public import Communication
public import Transformers

/// How units are scored (DESIGN §1, Saliency).
public struct ScoringSettings: Sendable, Equatable {
  public enum Criterion: String, Sendable, CaseIterable {
    /// |∂f/∂w · w| summed over a unit's weights: the Neural Tangent Kernel under Adam.
    case ntk
    /// The same with f = loss.
    case taylor
    /// Σ|w|.
    case magnitude
    /// A seeded draw: the baseline that any other has to beat.
    case random
  }

  public enum Accumulation: String, Sendable, CaseIterable {
    /// ∂f/∂w summed over all sequences of all ranks before the absolute value (the paper's code).
    case signed
    /// |∂f/∂w · w| per sequence, then summed: no gradient has to travel.
    case absolute
  }

  public var criterion: Criterion
  public var objective: Objective
  public var accumulation: Accumulation
  /// Of `random`.
  public var seed: UInt64
  /// How `signed` gradients travel to a layer's owner; nil for the message library's own reduction.
  public var exchange: GradientCodec?

  public init(
    criterion: Criterion = .ntk, objective: Objective = .maximumLogit, accumulation: Accumulation = .signed,
    seed: UInt64 = 0, exchange: GradientCodec? = nil
  ) {
    self.criterion = criterion
    self.objective = criterion == .taylor ? .loss : objective
    self.accumulation = accumulation
    self.seed = seed
    self.exchange = exchange
  }

  /// Whether sequences are needed.
  public var usesGradients: Bool { criterion == .ntk || criterion == .taylor }
}
