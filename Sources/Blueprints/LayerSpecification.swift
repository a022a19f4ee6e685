/// One layer: sublayers in the order in which the residual stream passes them.
///
/// Llama: attention, MLP. T5's decoder: self attention, cross attention, MLP.
public struct LayerSpecification: Sendable, Equatable {
  public var sublayers: [SublayerSpecification]

  public init(sublayers: [SublayerSpecification]) { self.sublayers = sublayers }
}

/// A residual branch: x + f(norm(x)), or norm(x + f(x)).
public struct SublayerSpecification: Sendable, Equatable {
  public enum NormPlacement: String, Sendable {
    /// The branch reads the normed stream (Llama, T5).
    case before
    /// The sum is normed (BERT).
    case after
  }
  public enum Kind: Sendable, Equatable {
    case attention(AttentionSpecification)
    case mlp(MLPSpecification)
  }
  public var norm: NormSpecification
  public var normPlacement: NormPlacement
  public var kind: Kind

  public init(norm: NormSpecification, normPlacement: NormPlacement, kind: Kind) {
    self.norm = norm
    self.normPlacement = normPlacement
    self.kind = kind
  }

  /// Whether pruning left the sublayer no unit: its branch adds nothing to the residual stream but its output bias, where
  /// it has one.
  public var isAbsent: Bool {
    switch kind {
    case .attention(let attention): attention.keyValueHeads == 0
    case .mlp(let mlp): mlp.width == 0
    }
  }
}

/// An attention sublayer's shape.
public struct AttentionSpecification: Sendable, Equatable {
  public enum Source: String, Sendable {
    case ownStack
    /// Keys and values come from the encoder's last hidden state (T5's decoder).
    case encoder
  }
  public enum Mask: Sendable, Equatable {
    case full
    case causal
    /// Causal, and so many tokens at most, the token itself counted (Hugging Face's `sliding_window`).
    case slidingWindow(Int)
  }
  public enum Position: Sendable, Equatable {
    /// Nothing inside the layer (BERT's positions are in the embedding; cross attention has none).
    case none
    case rotary(RotarySpecification)
    /// A learned bias per head and distance bucket, which the layer holds (T5's first layer of each stack).
    case relativeBias(buckets: Int, maximumDistance: Int)
    /// The bias that the stack's first layer holds (T5's other layers).
    case sharedRelativeBias
  }
  public var queryHeads: Int
  /// Divides `queryHeads`; both are 0 in a layer without attention.
  public var keyValueHeads: Int
  /// Numbers per head; `hidden / queryHeads` in an unpruned Llama, stated on its own because pruning breaks that.
  public var headWidth: Int
  /// Multiplies the inner products of queries and keys.
  public var scale: Float
  public var source: Source
  public var mask: Mask
  public var position: Position
  /// Biases on query, key and value projections.
  public var hasInputBias: Bool
  public var hasOutputBias: Bool

  public init(
    queryHeads: Int, keyValueHeads: Int, headWidth: Int, scale: Float, source: Source = .ownStack, mask: Mask,
    position: Position, hasInputBias: Bool, hasOutputBias: Bool
  ) {
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.scale = scale
    self.source = source
    self.mask = mask
    self.position = position
    self.hasInputBias = hasInputBias
    self.hasOutputBias = hasOutputBias
  }

  /// Query heads to a key-value head; 0 in a layer without attention.
  public var groupSize: Int { keyValueHeads == 0 ? 0 : queryHeads / keyValueHeads }
}

/// An MLP sublayer's shape.
public struct MLPSpecification: Sendable, Equatable {
  /// How many neurons; 0 in a layer without an MLP.
  public var width: Int
  /// Whether down(activation(gate) · up) or down(activation(up)).
  public var isGated: Bool
  public var activation: Activation
  public var hasBias: Bool

  public init(width: Int, isGated: Bool, activation: Activation, hasBias: Bool) {
    self.width = width
    self.isGated = isGated
    self.activation = activation
    self.hasBias = hasBias
  }
}

/// Rotary position embedding: angle = position · frequency, frequency i = θ^(−2i / width), possibly rescaled.
public struct RotarySpecification: Sendable, Equatable {
  public enum Scaling: Sendable, Equatable {
    case none
    /// Every frequency divided by `factor`.
    case linear(factor: Double)
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalPositions: Int)
  }
  public var theta: Double
  public var scaling: Scaling

  public init(theta: Double, scaling: Scaling) {
    self.theta = theta
    self.scaling = scaling
  }
}
