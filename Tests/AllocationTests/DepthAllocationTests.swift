import Allocation
import Artifacts
import Testing

/// Whole sublayers go: what must hold for every model, and small ones whose answer is known by hand.
@Suite struct DepthAllocationTests {
  private static func plan(_ model: ScoredModel, _ sparsity: Double) throws -> PruningPlan {
    try allocate(
      model.table, layers: model.layers, settings: AllocationSettings(method: .depth, sparsity: sparsity, roundTo: 3))
  }

  /// Plans of a random model at rising shares of what may go; nil where nothing may.
  private static func plans(seed: Int, oneShape: Bool) throws -> (model: ScoredModel, plans: [PruningPlan])? {
    let model = ScoredModel(seed: seed, oneShape: oneShape)
    guard model.total > 0 else { return nil }
    let all = Double(removable(model)) / Double(model.total)
    return (model, try (0...24).map { try plan(model, all * Double($0) / 24) })
  }

  /// Sublayers as (layer, attention before MLP), with the parameters of those that have any.
  private static func sublayers(_ model: ScoredModel) -> [(layer: Int, isAttention: Bool, parameters: Int)] {
    model.layers.enumerated().flatMap { index, layer in
      [
        (index, true, layer.attentionUnits * layer.attentionParametersPerUnit),
        (index, false, layer.mlpUnits * layer.mlpParametersPerUnit),
      ].filter { $0.2 > 0 }
    }
  }

  private static func worth(_ model: ScoredModel, _ layer: Int, _ isAttention: Bool) -> Double {
    let scores = isAttention ? model.table.layers[layer].attention : model.table.layers[layer].mlp
    let size = isAttention ? model.layers[layer].attentionParametersPerUnit : model.layers[layer].mlpParametersPerUnit
    return scores.reduce(0.0) { $0 + Double($1) } / Double(scores.count * size)
  }

  /// What is left at the end: layer 0's attention, or else the attention worth most, and the MLP worth most.
  private static func removable(_ model: ScoredModel) -> Int {
    func last(_ isAttention: Bool) -> Int {
      let own = sublayers(model).filter { $0.isAttention == isAttention }
      if isAttention, let first = own.first, first.layer == 0 { return first.parameters }
      return own.max {
        (worth(model, $0.layer, isAttention), $0.layer) < (worth(model, $1.layer, isAttention), $1.layer)
      }?
      .parameters ?? 0
    }
    return model.total - last(true) - last(false)
  }

  @Test(arguments: [true, false]) func sublayersAreWholeAndTheBudgetIsMet(oneShape: Bool) throws {
    for seed in 0..<150 {
      guard let (model, plans) = try Self.plans(seed: seed, oneShape: oneShape) else { continue }
      let largest = Self.sublayers(model).map(\.parameters).max() ?? 0
      let hasMLP = model.layers.contains { $0.mlpUnits > 0 }
      let hasAttention = model.layers.contains { $0.attentionUnits > 0 }
      var before = 0
      for plan in plans {
        try plan.checked(against: model.layers, modelHash: "model")
        for (kept, layer) in zip(plan.layers, model.layers) {
          #expect(kept.attention.isEmpty || kept.attention.count == layer.attentionUnits, "seed \(seed)")
          #expect(kept.mlp.isEmpty || kept.mlp.count == layer.mlpUnits, "seed \(seed)")
        }
        #expect(plan.layers[0].attention.count == model.layers[0].attentionUnits, "seed \(seed)")
        #expect(plan.layers.contains { !$0.mlp.isEmpty } == hasMLP, "seed \(seed)")
        #expect(plan.layers.contains { !$0.attention.isEmpty } == hasAttention, "seed \(seed)")
        let removed = model.removed(by: plan)
        let sum = removed.attention + removed.mlp
        #expect(plan.achievedSparsity == Double(sum) / Double(model.total), "seed \(seed)")
        #expect(sum >= before, "seed \(seed)")
        before = sum
        let miss = abs(plan.requestedSparsity * Double(model.total) - Double(sum))
        #expect(miss <= Double(largest) / 2 + 1e-6, "seed \(seed)")
        #expect(try Self.plan(model, plan.requestedSparsity) == plan, "seed \(seed)")
      }
      #expect(before == Self.removable(model), "seed \(seed)")
    }
  }

  @Test(arguments: [true, false]) func lowestWorthGoesFirst(oneShape: Bool) throws {
    for seed in 0..<150 {
      guard let (model, plans) = try Self.plans(seed: seed, oneShape: oneShape) else { continue }
      for plan in plans {
        let places = Self.sublayers(model).enumerated().map { order, place in
          let kept = plan.layers[place.layer]
          return (
            rank: (Self.worth(model, place.layer, place.isAttention), order), isAttention: place.isAttention,
            layer: place.layer, isKept: !(place.isAttention ? kept.attention : kept.mlp).isEmpty
          )
        }
        // Of those that may go: layer 0's attention may not, nor the last of a kind.
        let free = places.filter { place in
          place.isKept && !(place.isAttention && place.layer == 0)
            && places.count { $0.isKept && $0.isAttention == place.isAttention } > 1
        }
        guard let lowest = free.map(\.rank).min(by: <) else { continue }
        #expect(places.allSatisfy { $0.isKept || $0.rank < lowest }, "seed \(seed)")
      }
    }
  }

  /// 2 layers of attention 20 and MLP 8 parameters.
  private static func small(attention: [Float], mlp: [Float]) -> ScoredModel {
    let layer = PrunableLayer(
      attentionUnits: 2, attentionParametersPerUnit: 10, mlpUnits: 8, mlpParametersPerUnit: 1)
    return ScoredModel(
      layers: attention.map { _ in layer }, attention: attention.map { [$0, $0] },
      mlp: mlp.map { [Float](repeating: $0, count: 8) })
  }

  @Test func worthIsPerParameterAndTheNearestTotalIsTaken() throws {
    // Per parameter: attention 0.1 and 0.4, MLPs 1 and 0.2.
    let model = Self.small(attention: [1, 4], mlp: [1, 0.2])
    let all = [0, 1, 2, 3, 4, 5, 6, 7]
    // 56 parameters. The MLP of layer 1 goes from 4 on, its attention from 8 + 10 on.
    #expect(try Self.plan(model, 3.9 / 56).achievedSparsity == 0)
    #expect(
      try Self.plan(model, 4.1 / 56).layers == [
        .init(attention: [0, 1], mlp: all), .init(attention: [0, 1], mlp: []),
      ])
    #expect(try Self.plan(model, 17.9 / 56).achievedSparsity == 8.0 / 56)
    #expect(
      try Self.plan(model, 18.1 / 56).layers == [.init(attention: [0, 1], mlp: all), .init(attention: [], mlp: [])])
    #expect(try Self.plan(model, 28.0 / 56).achievedSparsity == 0.5)
  }

  @Test func tiesFallToTheLowerLayerThenToAttention() throws {
    let model = Self.small(attention: [10, 10, 10], mlp: [1, 1, 1])
    // Layer 0: its attention stays, its MLP goes; then layer 1's attention before its MLP.
    let plan = try Self.plan(model, 28.0 / 84)
    #expect(plan.layers.map(\.attention.count) == [2, 0, 2])
    #expect(plan.layers.map(\.mlp.count) == [0, 8, 8])
  }

  @Test func thePlanSaysWhatMadeIt() throws {
    let plan = try Self.plan(Self.small(attention: [1, 4], mlp: [1, 0.2]), 0.1)
    #expect(
      plan.allocation
        == PruningPlan.AllocationRecord(method: "depth", gamma: 1, roundTo: 1, scores: ScoredModel.metadata))
  }

  @Test func outOfReachSaysTheMostThatIsInReach() throws {
    let model = Self.small(attention: [1, 4], mlp: [1, 0.2])
    let error = #expect(throws: AllocationError.self) { try Self.plan(model, 0.6) }
    #expect(error?.code == .sparsityOutOfReach)
    #expect(
      error?.description
        == "sparsity 0.6 is out of reach: a depth cut keeps layer 0's attention and one MLP, which leaves 0.5 at most; "
        + "ask for less, or allocate with method global")
  }
}
