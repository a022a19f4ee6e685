public import Artifacts

/// Chooses the units to keep: a pure function, the same on every rank.
///
/// Floors hold inside the solution: a layer keeps at least one attention unit and `roundTo` neurons, or all it has
/// where it has fewer, and its kept neurons are a multiple of `roundTo`, or all. Within a pool the lowest scores go
/// first, by score and not by score per parameter, as in the paper's code. See `UnitPool` for ties and `BudgetSplit`
/// for how both pools together meet the sparsity.
///
/// The method `depth` has one pool of whole sublayers and floors of its own (`SublayerPool`). It meets the sparsity by the
/// nearest total, and so by half of the largest sublayer.
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
  guard parameters.total > 0 || settings.sparsity == 0 else {
    throw AllocationError(
      code: .sparsityOutOfReach,
      message: "sparsity \(settings.sparsity) is out of reach: the model has no prunable units; ask for 0")
  }
  let budget = settings.sparsity * Double(parameters.total)
  let gamma: Double
  let kept: [PruningPlan.Layer]
  switch settings.method {
  case .global, .uniform:
    // An empty pool leaves no ratio; the other takes everything whatever gamma is.
    let ownRatio =
      parameters.attention == 0 || parameters.mlp == 0 ? 1 : Double(parameters.mlp) / Double(parameters.attention)
    gamma = settings.gamma ?? ownRatio
    let pools = UnitPools(table.layers, layers: layers, settings: settings)
    try requireReach(
      pools.removable, of: parameters.total, settings,
      floor: "every layer keeps at least one attention unit and \(settings.roundTo) neurons",
      advice: "ask for less, or lower round-to")
    kept = pools.choice(budget: budget, gamma: gamma, parameters: parameters)
  case .depth:
    gamma = 1
    let pool = SublayerPool(table.layers, layers: layers)
    try requireReach(
      pool.removable, of: parameters.total, settings, floor: "a depth cut keeps layer 0's attention and one MLP",
      advice: "ask for less, or allocate with method global")
    kept = pool.kept(after: pool.steps(nearest: budget))
  }

  var plan = PruningPlan(
    modelHash: table.metadata.modelHash, requestedSparsity: settings.sparsity, achievedSparsity: 0,
    allocation: PruningPlan.AllocationRecord(
      method: settings.method.rawValue, gamma: gamma, roundTo: settings.method == .depth ? 1 : settings.roundTo,
      scores: table.metadata),
    layers: kept)
  do throws(ArtifactError) {
    plan.achievedSparsity = try SparsityReport(plan: plan, model: layers).sparsity
  } catch {
    throw AllocationError(code: .invalidInput, message: error.message)
  }
  return plan
}

/// Makes sure that the sparsity can be had.
private func requireReach(
  _ removable: Int, of total: Int, _ settings: AllocationSettings, floor: String, advice: String
) throws(AllocationError) {
  guard settings.sparsity * Double(total) >= Double(removable) + 0.5 else { return }
  // Rounded down, so that asking for the printed number works.
  let most = (Double(removable) / Double(total) * 10_000).rounded(.down) / 10_000
  throw AllocationError(
    code: .sparsityOutOfReach,
    message: "sparsity \(settings.sparsity) is out of reach: \(floor), which leaves \(most) at most; \(advice)")
}
