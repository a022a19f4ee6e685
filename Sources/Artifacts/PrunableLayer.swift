/// What is prunable in one layer, read from the model's blueprint.
///
/// An attention unit is a key-value head with its query heads, an MLP unit a neuron (DESIGN §1). Layers may differ,
/// because a model that was pruned before can be pruned again.
public struct PrunableLayer: Sendable, Equatable, Codable {
  /// Key-value heads.
  public var attentionUnits: Int
  /// Weights of one attention unit: for `g` query heads of width `h` to a key-value head and hidden width `d`,
  /// `2·h·(g + 1)·d` (rows of q, k and v, columns of o).
  public var attentionParametersPerUnit: Int
  /// Neurons of the MLP.
  public var mlpUnits: Int
  /// Weights of one neuron: `3·d` where gated, `2·d` otherwise.
  public var mlpParametersPerUnit: Int

  public init(attentionUnits: Int, attentionParametersPerUnit: Int, mlpUnits: Int, mlpParametersPerUnit: Int) {
    self.attentionUnits = attentionUnits
    self.attentionParametersPerUnit = attentionParametersPerUnit
    self.mlpUnits = mlpUnits
    self.mlpParametersPerUnit = mlpParametersPerUnit
  }
}

/// Prunable parameters by pool: attention and MLP are allocated separately.
public struct PrunableParameters: Sendable, Equatable, Codable {
  public var attention: Int
  public var mlp: Int
  public var total: Int { attention + mlp }

  /// Sums `layers`' prunable parameters.
  ///
  /// - Throws: `ArtifactError.Code.invalidShape` for a negative count, a unit without parameters, or a sum past `Int`.
  public init(of layers: [PrunableLayer]) throws(ArtifactError) {
    attention = 0
    mlp = 0
    for (index, layer) in layers.enumerated() {
      attention = try Self.adding(
        layer.attentionUnits, of: layer.attentionParametersPerUnit, to: attention, "layer \(index), attention")
      mlp = try Self.adding(layer.mlpUnits, of: layer.mlpParametersPerUnit, to: mlp, "layer \(index), mlp")
    }
    if attention.addingReportingOverflow(mlp).overflow {
      throw Self.invalid("the model", "attention and MLP parameters together do not fit in 64 bits")
    }
  }

  private static func adding(
    _ units: Int, of perUnit: Int, to sum: Int, _ place: String
  ) throws(ArtifactError) -> Int {
    guard units >= 0 else { throw invalid(place, "\(units) units") }
    guard units == 0 || perUnit > 0 else { throw invalid(place, "\(perUnit) parameters in a unit") }
    let product = units.multipliedReportingOverflow(by: perUnit)
    let total = sum.addingReportingOverflow(product.partialValue)
    guard !product.overflow, !total.overflow else {
      throw invalid(place, "\(units) units of \(perUnit) parameters do not fit in 64 bits")
    }
    return total.partialValue
  }

  private static func invalid(_ place: String, _ what: String) -> ArtifactError {
    ArtifactError(code: .invalidShape, message: "\(place): \(what); check the model's config.json")
  }
}
