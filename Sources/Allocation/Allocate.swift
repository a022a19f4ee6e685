public import Artifacts

/// Chooses the units to keep: a pure function, the same on every rank.
///
/// Floors hold inside the solution: a layer keeps at least one attention unit and `roundTo` neurons, or all it has
/// where it has fewer, and its kept neurons are a multiple of `roundTo`, or all. Within a pool the lowest scores go
/// first, by score and not by score per parameter, as in the paper's code. See `UnitPool` for ties and `BudgetSplit`
/// for how both pools together meet the sparsity.
///
/// - Parameters:
///   - table: a score for every unit.
///   - layers: what is prunable in each layer of the model that was scored.
///   - settings: how much, and how spread.
/// - Returns: the plan, with the achieved sparsity counted from its kept units.
/// - Throws: `invalidSetting`; `invalidInput` where the scores do not fit the model or are not finite;
///   `sparsityOutOfReach` where the floors leave too little, with the most they allow.
public func allocate(
  _ table: ScoreTable, layers: [PrunableLayer], settings: AllocationSettings
) throws(AllocationError) -> PruningPlan {
  try settings.validate()
  let parameters: PrunableParameters
  do throws(ArtifactError) {
    parameters = try PrunableParameters(of: layers)
    try table.checked(against: layers)
  } catch {
    throw AllocationError(code: .invalidInput, message: error.message)
  }
  // An empty pool leaves no ratio; the other takes everything whatever gamma is.
  let ownRatio =
    parameters.attention == 0 || parameters.mlp == 0 ? 1 : Double(parameters.mlp) / Double(parameters.attention)
  let gamma = settings.gamma ?? ownRatio

  let pairs = zip(table.layers, layers)
  let attention = UnitPool(
    pairs.map { .init(scores: $0.attention, parametersPerUnit: $1.attentionParametersPerUnit) },
    multiple: 1, method: settings.method)
  let mlp = UnitPool(
    pairs.map { .init(scores: $0.mlp, parametersPerUnit: $1.mlpParametersPerUnit) },
    multiple: settings.roundTo, method: settings.method)

  guard parameters.total > 0 || settings.sparsity == 0 else {
    throw AllocationError(
      code: .sparsityOutOfReach,
      message: "sparsity \(settings.sparsity) is out of reach: the model has no prunable units; ask for 0")
  }
  let budget = settings.sparsity * Double(parameters.total)
  let reachable = attention.removable + mlp.removable
  guard budget < Double(reachable) + 0.5 else {
    throw outOfReach(settings, reachable: reachable, total: parameters.total)
  }

  let perShare = Double(parameters.attention) + gamma * Double(parameters.mlp)
  // A share that is due exactly at the budget must not be lost to the last bit of `sparsity`.
  let slack = 1 - 1e-12
  let due = attention.shares.map { Double($0.numerator) * perShare / Double($0.denominator) * slack }
  let split = BudgetSplit(budget: budget, due: due, attention: attention.parameters, mlp: mlp.parameters)

  let removed = attention.parameters[split.attentionSteps] + mlp.parameters[split.mlpSteps]
  let kept = zip(attention.kept(after: split.attentionSteps), mlp.kept(after: split.mlpSteps))
  return PruningPlan(
    modelHash: table.metadata.modelHash,
    requestedSparsity: settings.sparsity,
    achievedSparsity: parameters.total == 0 ? 0 : Double(removed) / Double(parameters.total),
    allocation: PruningPlan.AllocationRecord(
      method: settings.method.rawValue, gamma: gamma, roundTo: settings.roundTo, scores: table.metadata),
    layers: kept.map { PruningPlan.Layer(attention: $0, mlp: $1) })
}

private func outOfReach(_ settings: AllocationSettings, reachable: Int, total: Int) -> AllocationError {
  // Rounded down, so that asking for the printed number works.
  let most = (Double(reachable) / Double(total) * 10_000).rounded(.down) / 10_000
  return AllocationError(
    code: .sparsityOutOfReach,
    message: "sparsity \(settings.sparsity) is out of reach: every layer keeps at least one attention unit and "
      + "\(settings.roundTo) neurons, which leaves \(most) at most; ask for less, or lower round-to")
}
