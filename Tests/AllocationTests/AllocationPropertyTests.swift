import Allocation
import Artifacts
import Testing

/// What must hold for every model, every score and every setting, where units are chosen one by one.
@Suite struct AllocationPropertyTests {
  static let unitMethods: [AllocationSettings.Method] = [.global, .uniform]

  /// One random case: a model and settings whose sparsity is left to the test.
  struct Case {
    let model: ScoredModel
    let settings: AllocationSettings
    /// The greatest sparsity that the floors allow.
    let reachable: Double

    init(seed: Int, method: AllocationSettings.Method, oneShape: Bool) {
      model = ScoredModel(seed: seed, oneShape: oneShape)
      var random = SeededGenerator(seed: -1 - seed)
      let gammas: [Double?] = [nil, 0.05, 1, 3, 50]
      settings = AllocationSettings(
        method: method, sparsity: 0, gamma: gammas[Int.random(in: gammas.indices, using: &random)],
        roundTo: [1, 2, 7, 8, 32, 500][Int.random(in: 0..<6, using: &random)])
      reachable =
        model.total == 0 ? 0 : Double(model.removable(roundTo: settings.roundTo)) / Double(model.total)
    }

    /// Plans at rising shares of the reachable sparsity, from nothing to all of it.
    func plans(_ steps: Int = 24) throws -> [PruningPlan] {
      try (0...steps).map { step in
        var settings = settings
        settings.sparsity = reachable * Double(step) / Double(steps)
        return try allocate(model.table, layers: model.layers, settings: settings)
      }
    }

    /// The most that one neuron step removes.
    var group: Int {
      let widest = model.layers.map { min(settings.roundTo, $0.mlpUnits) * $0.mlpParametersPerUnit }
      return settings.method == .uniform ? widest.reduce(0, +) : widest.max() ?? 0
    }
  }

  @Test(arguments: unitMethods, [true, false])
  func floorsAndMultiplesHold(method: AllocationSettings.Method, oneShape: Bool) throws {
    for seed in 0..<100 {
      let example = Case(seed: seed, method: method, oneShape: oneShape)
      let roundTo = example.settings.roundTo
      for plan in try example.plans(12) {
        try plan.checked(against: example.model.layers, modelHash: "model")
        for (kept, layer) in zip(plan.layers, example.model.layers) {
          #expect(kept.attention.count >= min(1, layer.attentionUnits), "seed \(seed)")
          #expect(kept.mlp.count >= min(roundTo, layer.mlpUnits), "seed \(seed)")
          #expect(kept.mlp.count == layer.mlpUnits || kept.mlp.count % roundTo == 0, "seed \(seed)")
        }
      }
    }
  }

  @Test(arguments: unitMethods, [true, false])
  func totalRisesAndPoolsAreNested(method: AllocationSettings.Method, oneShape: Bool) throws {
    for seed in 0..<100 {
      let example = Case(seed: seed, method: method, oneShape: oneShape)
      let plans = try example.plans()
      for (less, more) in zip(plans, plans.dropFirst()) {
        let (before, after) = (example.model.removed(by: less), example.model.removed(by: more))
        #expect(before.attention + before.mlp <= after.attention + after.mlp, "seed \(seed)")
        // Neurons step back by no more than the attention units that entered.
        #expect(before.mlp - after.mlp <= after.attention - before.attention, "seed \(seed)")
        for (wide, narrow) in zip(less.layers, more.layers) {
          #expect(Set(narrow.attention).isSubset(of: wide.attention), "seed \(seed)")
        }
        // One order of neurons: of two plans one's kept neurons contain the other's, in all layers alike.
        let narrower = zip(less.layers, more.layers).allSatisfy { Set($1.mlp).isSubset(of: $0.mlp) }
        let wider = zip(less.layers, more.layers).allSatisfy { Set($0.mlp).isSubset(of: $1.mlp) }
        #expect(narrower || wider, "seed \(seed)")
      }
    }
  }

  @Test(arguments: unitMethods, [true, false])
  func achievedIsWithinOneGroup(method: AllocationSettings.Method, oneShape: Bool) throws {
    for seed in 0..<100 {
      let example = Case(seed: seed, method: method, oneShape: oneShape)
      let model = example.model
      // An attention step larger than all neurons that may go cannot be made up.
      let mlpRemovable = model.layers.reduce(0) {
        $0 + max(0, $1.mlpUnits - example.settings.roundTo) * $1.mlpParametersPerUnit
      }
      let heads = model.layers.filter { $0.attentionUnits > 1 }.map(\.attentionParametersPerUnit)
      let attentionStep = method == .uniform ? heads.reduce(0, +) : heads.max() ?? 0
      let gap = attentionStep > mlpRemovable ? attentionStep : 0
      for plan in try example.plans() {
        let removed = model.removed(by: plan)
        let total = Double(model.total)
        #expect(plan.achievedSparsity * total - Double(removed.attention + removed.mlp) <= 1e-6 * total)
        let miss = abs(plan.requestedSparsity * total - Double(removed.attention + removed.mlp))
        #expect(miss <= Double(max(example.group, gap)) + 1e-6, "seed \(seed)")
      }
    }
  }

  @Test(arguments: [true, false])
  func lowestScoresGoFirst(oneShape: Bool) throws {
    for seed in 0..<100 {
      let example = Case(seed: seed, method: .global, oneShape: oneShape)
      for plan in try example.plans(9) {
        for (kept, scores) in zip(plan.layers, example.model.table.layers) {
          expectLowestRemoved(kept.attention, scores.attention, seed)
          expectLowestRemoved(kept.mlp, scores.mlp, seed)
        }
        // Across layers: every removed attention unit is below every kept one that its layer's floor does not hold.
        let removed = zip(plan.layers, example.model.table.layers).flatMap { kept, scores in
          Set(scores.attention.indices).subtracting(kept.attention).map { scores.attention[$0] }
        }
        let free = zip(plan.layers, example.model.table.layers).flatMap { kept, scores in
          kept.attention.count > 1 ? kept.attention.map { scores.attention[$0] } : []
        }
        if let highest = removed.max(), let lowest = free.min() { #expect(highest <= lowest, "seed \(seed)") }
      }
    }
  }

  /// Inside a layer each removed unit comes before each kept one by (score, index).
  private func expectLowestRemoved(_ kept: [Int], _ scores: [Float], _ seed: Int) {
    let isKept = Set(kept)
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    #expect(order.suffix(kept.count).allSatisfy(isKept.contains), "seed \(seed)")
  }

  @Test func uniformKeepsOneShape() throws {
    for seed in 0..<100 {
      for plan in try Case(seed: seed, method: .uniform, oneShape: true).plans(20) {
        #expect(Set(plan.layers.map(\.attention.count)).count == 1, "seed \(seed)")
        #expect(Set(plan.layers.map(\.mlp.count)).count == 1, "seed \(seed)")
      }
    }
  }

  @Test func uniformTakesTheSameRatioOfUnlikeLayers() throws {
    for seed in 0..<100 {
      let example = Case(seed: seed, method: .uniform, oneShape: false)
      let roundTo = example.settings.roundTo
      for plan in try example.plans(20) {
        let pairs = zip(plan.layers, example.model.layers).filter { $1.mlpUnits > 2 * roundTo }
        // Each layer is at most one step past, or short of, the same removed share.
        let shares = pairs.map { kept, layer in
          (1 - Double(kept.mlp.count) / Double(layer.mlpUnits), Double(roundTo) / Double(layer.mlpUnits))
        }
        let floored = pairs.contains { kept, _ in kept.mlp.count == roundTo }
        guard !floored, let most = shares.map({ $0.0 }).max() else { continue }
        #expect(shares.allSatisfy { $0.0 + $0.1 >= most - 1e-9 }, "seed \(seed)")
      }
    }
  }
}
