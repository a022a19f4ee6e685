/// `scoring.criterion`: what a unit's score is.
public enum ScoringCriterion: String, Sendable, CaseIterable {
  /// Σ |∂f/∂w · w| over the unit's weights.
  case ntk
  /// The same with f = loss.
  case taylor
  /// Σ |w|; needs no data.
  case magnitude
  /// Uniform numbers from a seed; needs no data. The baseline that every criterion must beat.
  case random

  /// Whether scores of this criterion are taken on calibration sequences.
  public var usesCalibration: Bool { self == .ntk || self == .taylor }
}

/// `scoring.objective`: the scalar f whose gradient scores weights.
public enum ScoringObjective: String, Sendable, CaseIterable {
  /// The mean over sequences and vocabulary of the maximum over positions of the logits.
  case maxLogit = "max-logit"
  /// Mean next-token cross-entropy.
  case loss
}

/// `scoring.accumulation`: how the sequences' gradients become one score.
public enum ScoreAccumulation: String, Sendable, CaseIterable {
  /// Gradients of all sequences are added, then the absolute value is taken.
  case signed
  /// The absolute values of each sequence are added; needs no gradient exchange.
  case absolute
}

/// `allocation.method`: which units compete with each other.
public enum AllocationMethod: String, Sendable, CaseIterable {
  /// All layers, in one pool of attention units and one of neurons.
  case global
  /// The units of one layer; every layer loses the same share.
  case uniform
  /// Whole sublayers: attention and MLPs of all layers together, each all or nothing.
  case depth
}

/// `repacking.layout`: how the pruned model's config.json tells the layers' shapes.
public enum RepackingLayout: String, Sendable, CaseIterable {
  /// ``native`` when all layers end with one shape, else ``perLayer``.
  case auto
  /// `per_layer_config` and a modelling file.
  case perLayer = "per-layer"
  /// The architecture's own config.json; an error when layers differ.
  case native
}

/// `resources.weights`: where a rank takes layers from that it does not own.
public enum WeightSource: String, Sendable, CaseIterable {
  /// ``owner``, or ``files`` where every node has them.
  case auto
  /// Broadcast from the owner's memory.
  case owner
  /// Read from the node's own disk.
  case files
}

/// `resources.compute`: the numbers that products with weights multiply; sums are always float32.
public enum ComputeType: String, Sendable, CaseIterable {
  /// bf16 where checkpoint and processor have it, else f32.
  case auto
  case f32
  case bf16
}

/// `resources.recompute`: whether a layer's inside is computed again in the backward pass.
public enum RecomputeChoice: String, Sendable, CaseIterable {
  /// Only of the layers that memory has no room to keep.
  case auto
  case always
  case never
}

/// `resources.backend`: what computes.
public enum BackendName: String, Sendable, CaseIterable {
  /// The fast one.
  case cpu
  /// Plain loops, for comparison.
  case reference
}
