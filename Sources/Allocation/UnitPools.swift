internal import Artifacts

/// Attention units and neurons, each in their pool: what the methods `global` and `uniform` choose from.
struct UnitPools {
  private let attention: UnitPool
  private let mlp: UnitPool

  /// Parameters of all that may be removed.
  var removable: Int { attention.removable + mlp.removable }

  /// - Parameters:
  ///   - scores: of every unit, `[layer]`.
  ///   - layers: of the model that was scored.
  init(_ scores: [ScoreTable.Layer], layers: [PrunableLayer], settings: AllocationSettings) {
    let pairs = zip(scores, layers)
    attention = UnitPool(
      pairs.map { .init(scores: $0.attention, parametersPerUnit: $1.attentionParametersPerUnit) },
      multiple: 1, isUniform: settings.method == .uniform)
    mlp = UnitPool(
      pairs.map { .init(scores: $0.mlp, parametersPerUnit: $1.mlpParametersPerUnit) },
      multiple: settings.roundTo, isGrouped: settings.groupsNeurons, isUniform: settings.method == .uniform)
  }

  /// The units that are left when both pools together meet a budget, `[layer]`.
  ///
  /// - Parameters:
  ///   - budget: parameters to remove, no more than ``removable``.
  ///   - parameters: of the model.
  func choice(budget: Double, gamma: Double, parameters: PrunableParameters) -> [PruningPlan.Layer] {
    let perShare = Double(parameters.attention) + gamma * Double(parameters.mlp)
    // A share that is due exactly at the budget must not be lost to the last bit of `sparsity`.
    let slack = 1 - 1e-12
    let due = attention.shares.map { Double($0.numerator) * perShare / Double($0.denominator) * slack }
    let split = BudgetSplit(budget: budget, due: due, attention: attention.parameters, mlp: mlp.parameters)
    return zip(attention.kept(after: split.attentionSteps), mlp.kept(after: split.mlpSteps)).map {
      PruningPlan.Layer(attention: $0, mlp: $1)
    }
  }
}
