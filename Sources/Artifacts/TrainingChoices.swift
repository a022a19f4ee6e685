/// `tuning.objective` and `recovery.objective`: what a model is trained for.
public enum TrainingObjective: String, Sendable, CaseIterable {
  /// The dense model's distribution of next tokens: its Kullback-Leibler divergence from it.
  case distillation
  /// The text: mean next-token cross-entropy.
  case loss
}

/// `tuning.mask`: what the forward pass makes of m = sigmoid(z/τ).
public enum TuningMask: String, Sendable, CaseIterable {
  /// 1 where m is at least one half, else 0; the backward pass goes straight through to m.
  case hard
  /// m itself.
  case soft
}

/// `tuning.granularity`: what one gate opens.
public enum TuningGranularity: String, Sendable, CaseIterable {
  /// A key-value head with its query heads, or a neuron.
  case unit
  /// A key-value head with its query heads, or some neurons that follow one another.
  case block
  /// A layer's whole attention or MLP: a cut in depth.
  case sublayer
}

/// `tuning.budget`: what holds the sparsity while gates are tuned.
public enum TuningBudget: String, Sendable, CaseIterable {
  /// The square of what is open too much or too little.
  case penalty
  /// An augmented Lagrangian, whose multiplier rises until the budget holds.
  case lagrangian
  /// The gates' rank: in every step only as many are open as the budget has room for.
  case rank
  /// Nothing but the prices of open shares.
  case none
}

/// `tuning.schedule`: how the sparsity rises from stage to stage.
public enum TuningSchedule: String, Sendable, CaseIterable {
  /// All of it from the first stage on.
  case oneShot = "one-shot"
  /// By the same amount in every stage.
  case linear
  /// Fast at first, then slower (Zhu and Gupta 2017).
  case cubic
}

/// `tuning.decay`: how the learning rate goes on after the warm-up.
public enum TuningDecay: String, Sendable, CaseIterable {
  /// Down along half a cosine to zero at the last step.
  case cosine
  /// As it is.
  case constant
}

/// `recovery.targets`: the projections of a layer, whatever a checkpoint calls them.
public enum RecoveryTarget: String, Sendable, CaseIterable {
  case query, key, value, output
  case gate, up, down
}

/// `exchange.codec`: how gradients that all ranks need are put into bytes.
public enum ExchangeCodec: String, Sendable, CaseIterable {
  /// Compressed without loss.
  case exact
  /// Rounded to bfloat16.
  case bf16
  /// Rounded to 8 bits with a scale per 256 values, and error feedback.
  case int8
  /// As they are.
  case none
  /// ``exact`` or ``none``, whichever the link makes faster.
  case auto
}

/// `scoring.exchange`: how `signed` gradients are put into bytes on their way to a layer's owner.
public enum ScoringExchange: String, Sendable, CaseIterable {
  /// Compressed without loss.
  case exact
  /// Rounded to bfloat16.
  case bf16
  /// Rounded to 8 bits with a scale per 256 values.
  case int8
  /// As they are.
  case none
}
