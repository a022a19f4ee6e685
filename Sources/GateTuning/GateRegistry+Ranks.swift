internal import Blueprints
public import Artifacts

extension GateRegistry {
  /// How far from 0 the first and the last gate of a ranking start.
  private static let nearest: Float = 0.05
  private static let farthest: Float = 3

  /// Sets the logits by the rank of scores and a plan made from them: gates that the plan keeps get positive logits, the
  /// others negative ones, and both lie in the scores' order, evenly spread. So the open gates are the plan's, and those
  /// at its edge change first.
  ///
  /// A gate of several units ranks by their mean score and is open when the plan keeps most of them. Attention and MLPs
  /// have a ranking each; gates of whole sublayers have one together, by score per parameter, as the depth cut ranks them.
  public mutating func start(from scores: ScoreTable, plan: PruningPlan) {
    let openness = openness(plan)
    let pools: [[UnitPool]] = granularity == .sublayer ? [[.attention, .mlp]] : [[.attention], [.mlp]]
    for pool in pools {
      var ranking: [(gate: Int, score: Double, isKept: Bool)] = []
      for (index, module) in modules.enumerated() where pool.contains(module.pool) {
        let layer = scores.layers[module.layer]
        let scores = module.pool == .attention ? layer.attention : layer.mlp
        for (gate, place) in gates(of: index).enumerated() {
          let units = module.units(ofGate: gate)
          let sum = units.reduce(0.0) { $0 + Double(scores[$1]) }
          let weight = granularity == .sublayer ? parameters[place] : Double(units.count)
          ranking.append((place, sum / weight, openness[place] == 1))
        }
      }
      ranking.sort { ($0.score, $0.gate) < ($1.score, $1.gate) }
      let removed = ranking.filter { !$0.isKept }
      let kept = ranking.filter(\.isKept)
      for (rank, entry) in removed.enumerated() {
        logits[entry.gate] = -Self.logit(rank: removed.count - 1 - rank, of: removed.count)
      }
      for (rank, entry) in kept.enumerated() { logits[entry.gate] = Self.logit(rank: rank, of: kept.count) }
    }
  }

  private static func logit(rank: Int, of count: Int) -> Float {
    nearest + (farthest - nearest) * Float(rank) / Float(max(1, count - 1))
  }

  /// Which gates a plan opens: those most of whose units it keeps, `[gate]` of 1 and 0.
  func openness(_ plan: PruningPlan) -> [Float] {
    var openness = [Float](repeating: 0, count: logits.count)
    for (index, module) in modules.enumerated() {
      let layer = plan.layers[module.layer]
      let kept = Set(module.pool == .attention ? layer.attention : layer.mlp)
      for (gate, place) in gates(of: index).enumerated() {
        let units = module.units(ofGate: gate)
        openness[place] = 2 * units.count { kept.contains($0) } > units.count ? 1 : 0
      }
    }
    return openness
  }

  /// Each unit's factor when the plan decides what is open: exactly what is folded into the weights, `[unit]`.
  func factors(_ plan: PruningPlan) -> [Float] {
    var factors = [Float](repeating: 0, count: scales.count)
    for (index, module) in modules.enumerated() {
      let layer = plan.layers[module.layer]
      let first = units(of: index).lowerBound
      for unit in module.pool == .attention ? layer.attention : layer.mlp {
        factors[first + unit] = scales[first + unit]
      }
    }
    return factors
  }
}
