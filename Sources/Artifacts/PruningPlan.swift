/// Which units a pruned model keeps, and what decided it: the file plan.json.
///
/// Indices count the units of the model that `modelHash` names, so a model pruned twice has two plans.
public struct PruningPlan: Codable, Sendable, Equatable {
  /// The version of plan.json that this program writes and reads.
  public static let currentFormatVersion = 1

  /// The kept units of one layer, each list ascending. An empty list takes the layer's attention or MLP out whole.
  public struct Layer: Codable, Sendable, Equatable {
    /// Kept key-value heads.
    public var attention: [Int]
    /// Kept neurons.
    public var mlp: [Int]

    enum CodingKeys: String, CodingKey {
      case attention, mlp
    }

    public init(attention: [Int], mlp: [Int]) {
      self.attention = attention
      self.mlp = mlp
    }
  }

  /// What made the plan, so that a file explains itself.
  public struct AllocationRecord: Codable, Sendable, Equatable {
    /// `global`, `uniform`, `depth`, or the name of the stage that chose the units.
    public var method: String
    /// Ratio of the MLP's to the attention's share removed; 1 for `depth`, which has none.
    public var gamma: Double
    /// Neurons of a layer are kept in multiples of this; 1 for `depth`, which keeps all or none.
    public var roundTo: Int
    /// As in `ScoreTable.Metadata`.
    public var criterion: String
    public var objective: String
    public var accumulation: String
    public var dataHash: String

    public init(method: String, gamma: Double, roundTo: Int, scores: ScoreTable.Metadata) {
      self.method = method
      self.gamma = gamma
      self.roundTo = roundTo
      self.criterion = scores.criterion
      self.objective = scores.objective
      self.accumulation = scores.accumulation
      self.dataHash = scores.dataHash
    }

    enum CodingKeys: String, CodingKey {
      case method, gamma, criterion, objective, accumulation
      case roundTo = "round_to"
      case dataHash = "data_hash"
    }
  }

  public var formatVersion: Int
  /// Hash of the model whose units are counted.
  public var modelHash: String
  /// Share of the prunable parameters asked to be removed.
  public var requestedSparsity: Double
  /// Share of the prunable parameters that the plan removes.
  public var achievedSparsity: Double
  public var allocation: AllocationRecord
  public var layers: [Layer]

  public init(
    modelHash: String, requestedSparsity: Double, achievedSparsity: Double, allocation: AllocationRecord,
    layers: [Layer]
  ) {
    self.formatVersion = Self.currentFormatVersion
    self.modelHash = modelHash
    self.requestedSparsity = requestedSparsity
    self.achievedSparsity = achievedSparsity
    self.allocation = allocation
    self.layers = layers
  }

  enum CodingKeys: String, CodingKey {
    case allocation, layers
    case formatVersion = "format_version"
    case modelHash = "model_hash"
    case requestedSparsity = "requested_sparsity"
    case achievedSparsity = "achieved_sparsity"
  }
}
