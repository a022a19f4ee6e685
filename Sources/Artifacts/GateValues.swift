/// What tuning leaves of every prunable unit: the file gates.safetensors.
public struct GateValues: Sendable, Equatable {
  /// One layer's attention or MLP.
  public struct Pool: Sendable, Equatable {
    /// `[unit]`; the higher, the longer the unit stays.
    public var logits: [Float]
    /// `[unit]`; 0 for a removed unit, else what is folded into the columns of output or down.
    public var factors: [Float]

    public init(logits: [Float], factors: [Float]) {
      self.logits = logits
      self.factors = factors
    }
  }

  /// One layer's gates.
  public struct Layer: Sendable, Equatable {
    /// By key-value head.
    public var attention: Pool
    /// By neuron.
    public var mlp: Pool

    public init(attention: Pool, mlp: Pool) {
      self.attention = attention
      self.mlp = mlp
    }
  }

  /// What the gates belong to.
  public struct Metadata: Sendable, Equatable {
    /// Hash of the tuned model.
    public var modelHash: String
    /// SHA-256 of the plan that the gates led to.
    public var planHash: String
    /// Hash of the sequences that they were tuned on.
    public var dataHash: String

    public init(modelHash: String, planHash: String, dataHash: String) {
      self.modelHash = modelHash
      self.planHash = planHash
      self.dataHash = dataHash
    }
  }

  public var layers: [Layer]
  public var metadata: Metadata

  public init(layers: [Layer], metadata: Metadata) {
    self.layers = layers
    self.metadata = metadata
  }

  /// The gates themselves, once they are known to belong to the model and the plan: a finite logit and factor for each unit
  /// of `model`, and the factor 0 for each unit that `plan` removes.
  ///
  /// - Parameters:
  ///   - plan: checked against `model`.
  ///   - planHash: the plan's digest.
  ///   - file: the name that errors carry.
  /// - Throws: `mismatch` or `notFinite`, naming the layer and the unit.
  @discardableResult
  public func checked(
    against model: [PrunableLayer], plan: PruningPlan, planHash: String, file: String = "gates.safetensors"
  ) throws(ArtifactError) -> GateValues {
    do throws(ArtifactError) {
      try Self.checkHash("model_hash", metadata.modelHash, plan.modelHash)
      try Self.checkHash("plan_hash", metadata.planHash, planHash)
      guard layers.count == model.count, plan.layers.count == model.count else {
        throw ArtifactError(
          code: .mismatch,
          message: "gates are of \(layers.count) layers and the plan of \(plan.layers.count) but the model has "
            + "\(model.count); tune this model again")
      }
      for (index, layer) in layers.enumerated() {
        let kept = plan.layers[index]
        try layer.attention.check(
          units: model[index].attentionUnits, kept: kept.attention, "layers.\(index).attention")
        try layer.mlp.check(units: model[index].mlpUnits, kept: kept.mlp, "layers.\(index).mlp")
      }
    } catch {
      throw error.located(in: file)
    }
    return self
  }

  private static func checkHash(_ key: String, _ own: String, _ wanted: String) throws(ArtifactError) {
    guard own == wanted else {
      throw ArtifactError(
        code: .mismatch,
        message: "\(key) is \(own.quotedForMessage) but must be \(wanted.quotedForMessage); use the model and the plan "
          + "that the gates were tuned with, or tune again")
    }
  }
}

extension GateValues.Pool {
  fileprivate func check(units: Int, kept: [Int], _ place: String) throws(ArtifactError) {
    for (name, values) in [("logits", logits), ("factors", factors)] {
      guard values.count == units else {
        throw ArtifactError(
          code: .mismatch,
          message: "\(place).\(name): \(values.count) numbers but the model has \(units) units; tune this model again")
      }
      if let unit = values.firstIndex(where: { !$0.isFinite }) {
        throw ArtifactError(
          code: .notFinite, message: "\(place).\(name): that of unit \(unit) is \(values[unit]); tune again")
      }
    }
    let kept = Set(kept)
    guard let unit = factors.indices.first(where: { factors[$0] != 0 && !kept.contains($0) }) else { return }
    throw ArtifactError(
      code: .mismatch,
      message: "\(place).factors: unit \(unit) has the factor \(factors[unit]) but the plan removes it; tune again")
  }
}
