/// A transformer as data: what its layers are and how wide, and nothing about how they are computed or spelled in a file.
///
/// It covers decoders (Llama), encoders (BERT: one stack, norms after the residual sum, token types, a head with a
/// transform) and encoder-decoders (T5: two stacks, relative position bias, a third sublayer for cross attention). Layers
/// are numbered through all stacks, the encoder's first; layers of one model may have different widths, because a pruned
/// model is a model.
public struct Blueprint: Sendable, Equatable {
  /// Hugging Face's `model_type`, such as `llama`.
  public var modelType: String
  public var vocabularySize: Int
  /// The width of the residual stream.
  public var hiddenSize: Int
  /// The most positions the model was made for; nil when its positions have no end (T5).
  public var maximumPositions: Int?
  public var embedding: EmbeddingSpecification
  public var stacks: [StackSpecification]
  public var head: HeadSpecification

  public init(
    modelType: String, vocabularySize: Int, hiddenSize: Int, maximumPositions: Int?,
    embedding: EmbeddingSpecification, stacks: [StackSpecification], head: HeadSpecification
  ) {
    self.modelType = modelType
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.maximumPositions = maximumPositions
    self.embedding = embedding
    self.stacks = stacks
    self.head = head
  }

  /// The layers of all stacks in order; `WeightGroup.layer(i)` is the i-th of these.
  public var layers: [LayerSpecification] { stacks.flatMap(\.layers) }
}

/// What turns token ids into the first hidden states.
public struct EmbeddingSpecification: Sendable, Equatable {
  /// Rows of a learned position table added to the tokens' (BERT); nil without one.
  public var learnedPositions: Int?
  /// Rows of a token type table (BERT); nil without one.
  public var tokenTypes: Int?
  /// The norm after the sum (BERT); nil without one.
  public var norm: NormSpecification?

  public init(learnedPositions: Int? = nil, tokenTypes: Int? = nil, norm: NormSpecification? = nil) {
    self.learnedPositions = learnedPositions
    self.tokenTypes = tokenTypes
    self.norm = norm
  }
}

/// Layers that one hidden state runs through in turn.
public struct StackSpecification: Sendable, Equatable {
  /// Which half of an encoder-decoder a stack is. A lone stack is a decoder when it predicts the next token.
  public enum Kind: String, Sendable { case encoder, decoder }
  public var kind: Kind
  public var layers: [LayerSpecification]
  /// The norm after the last layer; nil where each sublayer ends with its own (BERT).
  public var finalNorm: NormSpecification?

  public init(kind: Kind, layers: [LayerSpecification], finalNorm: NormSpecification?) {
    self.kind = kind
    self.layers = layers
    self.finalNorm = finalNorm
  }
}

/// The output head.
public struct HeadSpecification: Sendable, Equatable {
  /// Whether the output matrix is the token embedding.
  public var isTied: Bool
  public var hasBias: Bool
  /// Dense layer, activation and norm before the output matrix (BERT's masked-token head); nil without one.
  public var transform: HeadTransform?
  /// Multiplies the last hidden state (T5 with tied embeddings: hiddenSize^-½).
  public var inputScale: Float

  public init(isTied: Bool, hasBias: Bool = false, transform: HeadTransform? = nil, inputScale: Float = 1) {
    self.isTied = isTied
    self.hasBias = hasBias
    self.transform = transform
    self.inputScale = inputScale
  }
}

/// What BERT's masked-token head does before its output matrix.
public struct HeadTransform: Sendable, Equatable {
  public var activation: Activation
  public var norm: NormSpecification

  public init(activation: Activation, norm: NormSpecification) {
    self.activation = activation
    self.norm = norm
  }
}

/// A normalization of the residual stream.
public struct NormSpecification: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// x / √(mean(x²) + ε) · weight.
    case rms
    /// (x − mean) / √(variance + ε) · weight + bias.
    case layer
  }
  public var kind: Kind
  public var epsilon: Float

  public init(kind: Kind, epsilon: Float) {
    self.kind = kind
    self.epsilon = epsilon
  }
}

/// An MLP's nonlinearity, in Hugging Face's names.
public enum Activation: String, Sendable {
  case silu
  case gelu
  case geluNew = "gelu_new"
  case relu
}
