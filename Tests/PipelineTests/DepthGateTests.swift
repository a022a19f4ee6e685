import Allocation
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import GateTuning
import ModelTestSupport
import TestSupport
import Testing

/// Gates of every granularity start as the allocation's plan, and what an allocation makes of them is that plan again.
@Suite struct DepthGateTests {
  private static let metadata = ScoreTable.Metadata(
    criterion: "random", objective: "", accumulation: "", modelHash: "", dataHash: "")

  /// A model of 5 layers of 4 key-value heads and 100 neurons.
  private static func blueprint() throws -> Blueprint {
    try RandomCheckpoint.model(["num_hidden_layers": 5, "intermediate_size": 100, "num_key_value_heads": 4]).blueprint
  }

  private static func scores(_ layers: [PrunableLayer], seed: UInt64) -> ScoreTable {
    var generator = SeededGenerator(seed: seed)
    return ScoreTable(
      layers: layers.map { layer in
        // Layers and pools that differ much, as real scores do.
        let (high, low) = (Float.random(in: 0...20, using: &generator), Float.random(in: 0...2, using: &generator))
        return ScoreTable.Layer(
          attention: (0..<layer.attentionUnits).map { _ in Float.random(in: 0...high, using: &generator) },
          mlp: (0..<layer.mlpUnits).map { _ in Float.random(in: 0...low, using: &generator) })
      }, metadata: metadata)
  }

  private static func expectStartIsThePlan(
    _ granularity: GateGranularity, settings: AllocationSettings
  ) throws {
    let blueprint = try blueprint()
    let layers = blueprint.prunableLayers
    for seed in 0..<40 as Range<UInt64> {
      let scores = scores(layers, seed: seed)
      for sparsity in [0.1, 0.25, 0.4, 0.55] {
        var settings = settings
        settings.sparsity = sparsity
        let plan = try allocate(scores, layers: layers, settings: settings)
        var registry = GateRegistry(blueprint, granularity: granularity)
        registry.start(from: scores, plan: plan)
        let again = try allocate(registry.scoreTable(metadata: metadata), layers: layers, settings: settings)
        #expect(again.layers == plan.layers, "seed \(seed), sparsity \(sparsity)")
        // Each gate opens what the plan keeps, and nothing of what it removes.
        var gate = 0
        for module in registry.modules {
          let kept = Set(
            module.pool == .attention ? plan.layers[module.layer].attention : plan.layers[module.layer].mlp)
          for own in 0..<module.gates {
            let units = module.units(ofGate: own)
            #expect(registry.logits[gate] > 0 ? kept.isSuperset(of: units) : kept.isDisjoint(with: units))
            gate += 1
          }
        }
        #expect(gate == registry.logits.count)
      }
    }
  }

  @Test func units() throws {
    try Self.expectStartIsThePlan(.unit, settings: AllocationSettings(sparsity: 0, roundTo: 1))
  }

  @Test func wholeSublayers() throws {
    try Self.expectStartIsThePlan(.sublayer, settings: AllocationSettings(method: .depth, sparsity: 0))
  }

  /// 10 divides the layers' widths, 12 does not, and 8 leaves half a block.
  @Test(arguments: [10, 12, 8]) func blocks(neurons: Int) throws {
    try Self.expectStartIsThePlan(
      .block(neurons: neurons), settings: AllocationSettings(sparsity: 0, roundTo: neurons, groupsNeurons: true))
  }

  /// Sublayers go in their logits' order, whatever their sizes.
  @Test func depthRanksByTheLogit() throws {
    let blueprint = try Self.blueprint()
    let layers = blueprint.prunableLayers
    #expect(layers[0].attentionParametersPerUnit != layers[0].mlpParametersPerUnit)
    let total = try PrunableParameters(of: layers).total
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var registry = GateRegistry(blueprint, granularity: .sublayer)
      for index in registry.logits.indices { registry.logits[index] = Float.random(in: -1...1, using: &generator) }
      let order = registry.modules.indices.sorted { registry.logits[$0] < registry.logits[$1] }
        .filter { registry.modules[$0].layer > 0 || registry.modules[$0].pool == .mlp }
      var removed = 0
      for count in 1...3 {
        let last = registry.modules[order[count - 1]]
        removed += last.units * last.parametersPerUnit
        let plan = try allocate(
          registry.scoreTable(metadata: Self.metadata), layers: layers,
          settings: AllocationSettings(method: .depth, sparsity: Double(removed) / Double(total)))
        for (place, index) in order.enumerated() {
          let module = registry.modules[index]
          let kept = module.pool == .attention ? plan.layers[module.layer].attention : plan.layers[module.layer].mlp
          #expect(kept.isEmpty == (place < count), "seed \(seed), \(count) removed, place \(place)")
        }
      }
    }
  }
}
