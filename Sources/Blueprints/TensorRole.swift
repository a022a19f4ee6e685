/// Weights that are needed, moved and owned together.
public enum WeightGroup: Hashable, Sendable, CustomStringConvertible {
  case embedding
  /// A layer, numbered through all stacks.
  case layer(Int)
  /// What stands between an encoder's last layer and a decoder (T5: the encoder's final norm).
  case encoderEnd
  /// The last norm and the output matrix.
  case head

  public var description: String {
    switch self {
    case .embedding: "embedding"
    case .layer(let index): "layer \(index)"
    case .encoderEnd: "encoder end"
    case .head: "head"
    }
  }
}

/// What a tensor is for, whatever it is called in a checkpoint.
public enum TensorPart: String, Sendable, CaseIterable, Comparable {
  case tokenEmbedding, positionEmbedding, tokenTypeEmbedding
  case normWeight, normBias
  case queryWeight, queryBias, keyWeight, keyBias, valueWeight, valueBias, outputWeight, outputBias
  case relativePositionBias
  case gateWeight, gateBias, upWeight, upBias, downWeight, downBias
  case transformWeight, transformBias, transformNormWeight, transformNormBias
  case headWeight, headBias

  public static func < (a: TensorPart, b: TensorPart) -> Bool { a.rawValue < b.rawValue }
}

/// One tensor of a model: its group, the sublayer inside a layer (0 elsewhere), and its part.
public struct TensorRole: Hashable, Sendable, CustomStringConvertible {
  public var group: WeightGroup
  public var sublayer: Int
  public var part: TensorPart

  public init(_ group: WeightGroup, sublayer: Int = 0, _ part: TensorPart) {
    self.group = group
    self.sublayer = sublayer
    self.part = part
  }

  public var description: String { "\(group), sublayer \(sublayer), \(part.rawValue)" }
}

/// A tensor's role and the shape that the blueprint gives it.
public struct TensorSpecification: Hashable, Sendable {
  public var role: TensorRole
  /// `[out, in]` for weights of projections, `[width]` for vectors.
  public var shape: [Int]

  public init(_ role: TensorRole, shape: [Int]) {
    self.role = role
    self.shape = shape
  }
}
