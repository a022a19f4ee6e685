internal import Architectures
internal import Checkpoints
import Allocation
import Artifacts
import Blueprints
import GateTuning
import ModelTestSupport
import TestSupport
import Testing

/// Where gates start.
@Suite struct GateRegistryTests {
  static let granularities: [GateGranularity] = [.unit, .block(neurons: 5), .block(neurons: 8), .sublayer]

  /// Open are the gates most of whose units the plan keeps, and both sides lie in the order of the scores.
  @Test(arguments: granularities) func startsAtThePlan(granularity: GateGranularity) throws {
    let model = try RandomCheckpoint.model(["num_hidden_layers": 3, "num_key_value_heads": 4, "intermediate_size": 44])
    let layers = model.blueprint.prunableLayers
    for seed in 0..<60 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var scores = ScoreTable.random(for: model.blueprint, seed: seed)
      if seed % 5 == 0 {
        // Ties everywhere.
        for layer in scores.layers.indices { scores.layers[layer].mlp = scores.layers[layer].mlp.map { $0.rounded() } }
      }
      let settings = AllocationSettings(
        sparsity: Double.random(in: 0...0.75, using: &generator), gamma: seed % 2 == 0 ? nil : 2,
        roundTo: Int.random(in: 1...9, using: &generator))
      let plan = try Allocation.allocate(scores, layers: layers, settings: settings)
      var registry = GateRegistry(model.blueprint, granularity: granularity)
      registry.start(from: scores, plan: plan)
      #expect(registry.scales.allSatisfy { $0 == 1 })
      #expect(registry.logits.allSatisfy { (0.049...3.001).contains(abs($0)) })

      var gate = 0
      var ranking: [UnitPool: [(logit: Float, score: Float)]] = [:]
      for module in registry.modules {
        let isAttention = module.pool == .attention
        let kept = isAttention ? plan.layers[module.layer].attention : plan.layers[module.layer].mlp
        let values = isAttention ? scores.layers[module.layer].attention : scores.layers[module.layer].mlp
        for number in 0..<module.gates {
          let units = module.units(ofGate: number)
          let isOpen = 2 * kept.count(where: units.contains) > units.count
          #expect((registry.logits[gate] >= 0) == isOpen, "seed \(seed), gate \(gate)")
          let mean = units.reduce(0) { $0 + values[$1] } / Float(units.count)
          ranking[module.pool, default: []].append((registry.logits[gate], mean))
          gate += 1
        }
      }
      #expect(gate == registry.logits.count)
      for entries in ranking.values {
        for side in [entries.filter { $0.logit >= 0 }, entries.filter { $0.logit < 0 }] {
          let scores = side.sorted { $0.logit < $1.logit }.map(\.score)
          #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 <= $1 }, "seed \(seed)")
          #expect(Set(side.map(\.logit)).count == side.count, "seed \(seed): two gates of one logit")
        }
      }
    }
  }

  /// Every unit has one gate, of the width that the granularity says.
  @Test func modules() throws {
    let blueprint = try RandomCheckpoint.shared.blueprint
    let expected: [(GateGranularity, attention: [Int], mlp: [Int])] = [
      (.unit, [1, 1], Array(repeating: 1, count: 24)), (.block(neurons: 5), [1, 1], [5, 5, 5, 5, 4]),
      (.block(neurons: 100), [1, 1], [24]), (.block(neurons: 0), [1, 1], Array(repeating: 1, count: 24)),
      (.sublayer, [2], [24]),
    ]
    for (granularity, attention, mlp) in expected {
      let registry = GateRegistry(blueprint, granularity: granularity)
      #expect(registry.modules.map(\.layer) == [0, 0, 1, 1] && registry.modules.map(\.sublayer) == [0, 1, 0, 1])
      for module in registry.modules {
        let ranges = (0..<module.gates).map { module.units(ofGate: $0) }
        #expect(ranges.map(\.count) == (module.pool == .attention ? attention : mlp), "\(granularity)")
        #expect(ranges.flatMap { $0 } == Array(0..<module.units))
      }
      #expect(registry.modules[0] is PrunableHeadAttention && registry.modules[1] is PrunableMLP)
      #expect(registry.logits.count == 2 * (attention.count + mlp.count) && registry.scales.count == 52)
    }
    // 2 · (2 query heads + 1 key-value head) · 8 rows or columns of 32, and biases of query, key and value.
    let parameters = GateRegistry(blueprint, granularity: .unit).modules.map(\.parametersPerUnit)
    #expect(parameters == [1568, 98, 1568, 98])
  }

  @Test func unitNames() throws {
    let registry = GateRegistry(try RandomCheckpoint.shared.blueprint, granularity: .sublayer)
    #expect(registry.unitName(0) == "layer 0, key-value head 0")
    #expect(registry.unitName(1) == "layer 0, key-value head 1")
    #expect(registry.unitName(2) == "layer 0, neuron 0")
    #expect(registry.unitName(25) == "layer 0, neuron 23")
    #expect(registry.unitName(26) == "layer 1, key-value head 0")
    #expect(registry.unitName(51) == "layer 1, neuron 23")
  }
}
