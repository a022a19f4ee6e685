public import Artifacts
public import Blueprints
internal import TestSupport

extension PruningPlan {
  /// A plan that keeps random units: in every layer as many as it happens, or everywhere the same number.
  ///
  /// Every pool keeps at least one unit.
  public static func random(for blueprint: Blueprint, seed: UInt64, isUniform: Bool = false) throws -> PruningPlan {
    var generator = SeededGenerator(seed: seed)
    let model = blueprint.prunableLayers
    var shares = [Double.random(in: 0...1, using: &generator), Double.random(in: 0...1, using: &generator)]
    var layers: [Layer] = []
    for layer in model {
      if !isUniform { shares = shares.map { _ in Double.random(in: 0...1, using: &generator) } }
      layers.append(
        Layer(
          attention: subset(of: layer.attentionUnits, share: shares[0], &generator),
          mlp: subset(of: layer.mlpUnits, share: shares[1], &generator)))
    }
    return try keeping(layers, of: blueprint)
  }

  /// A random plan that also takes one layer's attention out whole, and another's MLP.
  public static func randomWithAbsentSublayers(for blueprint: Blueprint, seed: UInt64) throws -> PruningPlan {
    var layers = try random(for: blueprint, seed: seed).layers
    layers[layers.count - 1].attention = []
    layers[layers.count - 2].mlp = []
    return try keeping(layers, of: blueprint)
  }

  /// The plan that keeps these units, with its sparsity counted.
  public static func keeping(_ layers: [Layer], of blueprint: Blueprint) throws -> PruningPlan {
    let metadata = ScoreTable.Metadata(
      criterion: "random", objective: "", accumulation: "", modelHash: "test", dataHash: "")
    var plan = PruningPlan(
      modelHash: "test", requestedSparsity: 0.5, achievedSparsity: 0,
      allocation: AllocationRecord(method: "test", gamma: 1, roundTo: 1, scores: metadata), layers: layers)
    plan.achievedSparsity = try SparsityReport(plan: plan, model: blueprint.prunableLayers).sparsity
    return plan
  }

  private static func subset(of count: Int, share: Double, _ generator: inout SeededGenerator) -> [Int] {
    let kept = max(1, Int((Double(count) * share).rounded()))
    return (0..<count).shuffled(using: &generator).prefix(kept).sorted()
  }
}
