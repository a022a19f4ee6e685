/// What a plan removes, counted from the plan and the model: the closing table's numbers.
public struct SparsityReport: Sendable, Equatable, Codable {
  /// One pool's units and parameters, over all layers.
  public struct Pool: Sendable, Equatable, Codable {
    public var unitsBefore: Int
    public var unitsAfter: Int
    public var parametersBefore: Int
    public var parametersAfter: Int

    /// Kept units over all units, 1 for an empty pool.
    public var keptShare: Double { unitsBefore == 0 ? 1 : Double(unitsAfter) / Double(unitsBefore) }
    /// Removed over prunable parameters, 0 for an empty pool.
    public var sparsity: Double { SparsityReport.sparsity(before: parametersBefore, after: parametersAfter) }
  }

  public var attention: Pool
  public var mlp: Pool

  /// Prunable parameters of both pools; embeddings, norms and biases are not among them.
  public var parametersBefore: Int { attention.parametersBefore + mlp.parametersBefore }
  public var parametersAfter: Int { attention.parametersAfter + mlp.parametersAfter }
  /// Removed over prunable parameters, 0 where nothing is prunable.
  public var sparsity: Double { Self.sparsity(before: parametersBefore, after: parametersAfter) }

  /// Counts `plan`'s kept units against `model`.
  ///
  /// - Throws: `mismatch` where the plan has other layers, or more units in a layer, than the model; `invalidShape` as
  ///   `PrunableParameters`.
  public init(plan: PruningPlan, model: [PrunableLayer]) throws(ArtifactError) {
    let before = try PrunableParameters(of: model)
    guard plan.layers.count == model.count else {
      throw ArtifactError(
        code: .mismatch,
        message: "has \(plan.layers.count) layers but the model has \(model.count); make the plan again for this model")
    }
    attention = Pool(unitsBefore: 0, unitsAfter: 0, parametersBefore: before.attention, parametersAfter: 0)
    mlp = Pool(unitsBefore: 0, unitsAfter: 0, parametersBefore: before.mlp, parametersAfter: 0)
    for (index, (kept, layer)) in zip(plan.layers, model).enumerated() {
      guard kept.attention.count <= layer.attentionUnits, kept.mlp.count <= layer.mlpUnits else {
        throw ArtifactError(
          code: .mismatch,
          message: "layers[\(index)] keeps more units than the model has; make the plan again for this model")
      }
      attention.count(kept.attention.count, of: layer.attentionUnits, each: layer.attentionParametersPerUnit)
      mlp.count(kept.mlp.count, of: layer.mlpUnits, each: layer.mlpParametersPerUnit)
    }
  }

  fileprivate static func sparsity(before: Int, after: Int) -> Double {
    before == 0 ? 0 : Double(before - after) / Double(before)
  }
}

extension SparsityReport.Pool {
  /// Adds a layer. Nothing overflows: kept units are no more than the units that `PrunableParameters` summed.
  fileprivate mutating func count(_ kept: Int, of units: Int, each parameters: Int) {
    unitsBefore += units
    unitsAfter += kept
    parametersAfter += kept * parameters
  }
}
