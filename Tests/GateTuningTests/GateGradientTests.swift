internal import Architectures
import Artifacts
import Blueprints
import GateTuning
import Glibc
import LayerStreaming
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// What a tuner's step takes for the gradient of its objective.
@Suite struct GateGradientTests {
  /// α and β, both not 0.
  static let prices = (attention: 0.7, mlp: 0.3)

  /// Soft gates: the gradients of logits and scales against differences of the whole objective, which is the task's loss,
  /// the prices of open shares, and what holds the budget.
  @Test(arguments: TestedBackend.allCases, GateRegistryTests.granularities)
  func softGates(backend: TestedBackend, granularity: GateGranularity) throws {
    for budget in [BudgetControl.none, .penalty, .lagrangian] {
      let probe = try TuningProbe(backend)
      probe.settings.isHard = false
      probe.settings.granularity = granularity
      probe.settings.budget = budget
      probe.settings.budgetWeight = 3
      (probe.settings.attentionWeight, probe.settings.mlpWeight) = Self.prices
      probe.scheduler = PruningScheduler(
        sparsity: 0.4, steps: 6, stages: 1, schedule: .oneShot, temperature: 0.7, lastTemperature: 0.7)
      // After a step the Lagrangian's multiplier is no longer 0.
      let state = try probe.randomState()
      let multiplier = try Self.multiplier(budget, weight: 3, after: probe.run(until: 1).steps)
      #expect((multiplier != 0) == (budget == .lagrangian))

      func objective(_ name: String, _ move: (inout [Float]) -> Void) throws -> Double {
        var state = state
        move(&state.shared.arrays[name, default: []])
        let step = try probe.step(from: state).report
        let excess = try #require(step.targetSparsity) - #require(step.sparsity)
        let held =
          switch budget {
          case .penalty: 3 * excess * excess
          case .lagrangian: multiplier * excess + 1.5 * excess * excess
          case .rank, .none: 0.0
          }
        return try step.loss + Self.prices.attention * #require(step.attentionOpen)
          + Self.prices.mlp * #require(step.mlpOpen) + held
      }
      let result = try probe.step(from: state)
      for (name, gradient) in [("logits", result.logitGradient), ("scales", result.scaleGradient)] {
        func slope(_ step: Float, _ direction: [Float]) throws -> Double {
          func moved(_ sign: Float) throws -> Double {
            try objective(name) { for index in direction.indices { $0[index] += sign * step * direction[index] } }
          }
          return (try moved(1) - moved(-1)) / Double(2 * step)
        }
        // Along itself a gradient's slope is its norm.
        let norm = gradient.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
        #expect(norm > 1e-3)
        let along = try slope(0.05, gradient.map { $0 / Float(norm) })
        #expect(abs(along - norm) < 1e-2 * norm, "\(budget), \(name): \(along) and \(norm)")
        for index in stride(from: 0, to: gradient.count, by: 9) {
          let single = try slope(0.1, gradient.indices.map { $0 == index ? 1 : 0 })
          #expect(abs(single - Double(gradient[index])) < 2e-2 * norm, "\(budget), \(name) \(index)")
        }
      }
      #expect(abs(result.report.gradientNorm - result.logitGradient.norm) < 1e-4 * result.report.gradientNorm)
    }
  }

  /// Hard gates: units are whole or gone in the forward pass, and the gradient of a logit is that of m.
  @Test(arguments: GateRegistryTests.granularities) func straightThrough(granularity: GateGranularity) throws {
    let probe = try TuningProbe()
    probe.settings.granularity = granularity
    probe.settings.budgetWeight = 3
    (probe.settings.attentionWeight, probe.settings.mlpWeight) = Self.prices
    probe.scheduler = PruningScheduler(
      sparsity: 0.4, steps: 6, stages: 1, schedule: .oneShot, temperature: 0.7, lastTemperature: 0.7)
    let state = try probe.randomState()
    let logits = try #require(state.shared.arrays["logits"])
    let scales = try #require(state.shared.arrays["scales"])
    let result = try probe.step(from: state)

    // The factors by hand, and their gradients from the pass alone.
    let registry = GateRegistry(probe.model.blueprint, granularity: granularity)
    var gates = ModelGates(repeating: [:], count: 2)
    var (open, all) = ([UnitPool: Double](), [UnitPool: Double]())
    var (gate, unit) = (0, 0)
    for module in registry.modules {
      var factors: [Float] = []
      for number in 0..<module.gates {
        let isOpen = logits[gate] >= 0
        for _ in module.units(ofGate: number) {
          factors.append(isOpen ? scales[unit] : 0)
          unit += 1
          open[module.pool, default: 0] += isOpen ? Double(module.parametersPerUnit) : 0
          all[module.pool, default: 0] += Double(module.parametersPerUnit)
        }
        gate += 1
      }
      gates[module.layer][module.sublayer] = factors
    }
    let (openAll, total) = (open.values.reduce(0, +), all.values.reduce(0, +))
    #expect(abs(try #require(result.report.sparsity) - (1 - openAll / total)) < 1e-9)
    let batches = probe.batches(1)
    let weights = WidenedWeights(
      blueprint: probe.model.blueprint, backend: probe.backend, source: MappedLayerSource(probe.model),
      isKeeping: true)
    let passes = try batches.passes.map {
      try TrainingPass(weights).run(
        $0, objective: probe.settings.objective, targets: batches.targets,
        student: TrainingPass.Student(gates: gates, wantsGateGradients: true), keepsActivations: true)
    }
    #expect(abs(passes.reduce(0) { $0 + $1.value } - result.report.loss) < 1e-5)

    let excess = openAll / total - 0.6
    (gate, unit) = (0, 0)
    var (expected, expectedScales) = ([Float](), [Float]())
    for module in registry.modules {
      let price = module.pool == .attention ? Self.prices.attention : Self.prices.mlp
      let poolSlope = try price / #require(all[module.pool])
      for number in 0..<module.gates {
        let mask = 1 / (1 + exp(-Double(logits[gate]) / 0.7))
        var gradient = 0.0
        for index in module.units(ofGate: number) {
          let factor = passes.reduce(0.0) { $0 + ($1.gateGradients[module.layer][module.sublayer]?[index] ?? 0) }
          gradient += factor * Double(scales[unit])
          gradient += (poolSlope + 2 * 3 * excess / total) * Double(module.parametersPerUnit)
          expectedScales.append(logits[gate] >= 0 ? Float(factor) : 0)
          unit += 1
        }
        expected.append(Float(gradient * mask * (1 - mask) / 0.7))
        gate += 1
      }
    }
    #expect(relativeError(result.logitGradient, expected) < 1e-4)
    #expect(relativeError(result.scaleGradient, expectedScales) < 1e-4)
    // Closed gates have a gradient too: it is what can open them again.
    #expect(zip(logits, result.logitGradient).contains { $0 < 0 && $1 != 0 })
  }

  /// A gradient longer than `clip` is shortened, logits and scales each by themselves; the norm is told as it was.
  @Test func clipping() throws {
    let probe = try TuningProbe()
    let state = try probe.randomState()
    let free = try probe.step(from: state)
    probe.settings.clip = free.report.gradientNorm / 4
    let clipped = try probe.step(from: state)
    #expect(clipped.report.gradientNorm == free.report.gradientNorm)
    #expect(relativeError(clipped.logitGradient, free.logitGradient.map { $0 / 4 }) < 1e-4)
    let scale = min(1, free.report.gradientNorm / 4 / free.scaleGradient.norm)
    #expect(relativeError(clipped.scaleGradient, free.scaleGradient.map { $0 * Float(scale) }) < 1e-4)
  }

  /// The multiplier after some steps from 0: each adds what the budget was missed by, times a fiftieth of the weight.
  static func multiplier(_ budget: BudgetControl, weight: Double, after steps: [TrainingStep]) throws -> Double {
    guard budget == .lagrangian else { return 0 }
    return try steps.reduce(0) { try $0 + 0.02 * weight * (#require($1.targetSparsity) - #require($1.sparsity)) }
  }
}
