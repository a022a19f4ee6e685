/// How much to remove, and how it is spread over layers and between attention and MLP.
public struct AllocationSettings: Sendable, Equatable {
  /// Who competes with whom.
  public enum Method: String, Sendable, Equatable, CaseIterable, Codable {
    /// All layers compete, in one pool of attention units and one of neurons.
    case global
    /// The same ratio in every layer, units ranked inside the layer: layers of one shape stay of one shape.
    case uniform
    /// Whole sublayers: attention and MLPs of all layers compete, and go or stay as they are.
    case depth
  }

  public var method: Method
  /// Share of the prunable parameters to remove, at least 0 and below 1.
  public var sparsity: Double
  /// How many times the attention's removed share the MLP's is, above 0; nil takes the model's own ratio of MLP to
  /// attention parameters. The paper uses 3.36 for Llama-3.1-8B and 3.0 for Llama-3.2-3B. `depth` has no use for it.
  public var gamma: Double?
  /// A layer keeps a multiple of this many neurons, or all it has; `depth` keeps all or none.
  public var roundTo: Int
  /// Whether neurons go in runs of `roundTo` that follow one another, as one gate opens them, and not one by one: a run's
  /// score is the mean of its neurons'. Where `roundTo` does not divide a layer's width, the last run is short; it goes
  /// first, so that what stays is a multiple.
  public var groupsNeurons: Bool

  public init(
    method: Method = .global, sparsity: Double, gamma: Double? = nil, roundTo: Int = 8, groupsNeurons: Bool = false
  ) {
    self.method = method
    self.sparsity = sparsity
    self.gamma = gamma
    self.roundTo = roundTo
    self.groupsNeurons = groupsNeurons
  }

  /// Checks each setting's range.
  ///
  /// - Throws: `invalidSetting`, naming the setting, its value and its range.
  public func validate() throws(AllocationError) {
    guard sparsity >= 0, sparsity < 1 else {
      throw Self.invalid("sparsity is \(sparsity) but must be at least 0 and below 1; 0.3 removes 30 %")
    }
    if let gamma, !(gamma > 0 && gamma.isFinite) {
      throw Self.invalid("gamma is \(gamma) but must be above 0; leave it out for the model's own ratio")
    }
    guard roundTo >= 1 else {
      throw Self.invalid("round-to is \(roundTo) but must be at least 1; 1 rounds nothing, 8 is the default")
    }
  }

  private static func invalid(_ message: String) -> AllocationError {
    AllocationError(code: .invalidSetting, message: message)
  }
}
