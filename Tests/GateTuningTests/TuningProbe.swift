import Allocation
import Architectures
import Artifacts
import Blueprints
import Communication
import Compute
import GateTuning
import LayerStreaming
import ModelTestSupport
import Optimization
import Repacking
import TestSupport
import Testing
import Transformers

/// One rank's gate tuning of a small model: settings that a test changes, and runs that it looks into.
final class TuningProbe {
  /// What a run came to, and everything that was heard of it.
  struct Trace {
    var outcome: TuningOutcome?
    var steps: [TrainingStep] = []
    /// The state after each step but the last.
    var states: [TrainingState] = []
  }

  /// Ends a run after a step.
  private struct Stop: Error {}

  let model: Model
  let backend: any ComputeBackend
  let scores: ScoreTable
  let communicator: any Communicator
  var settings = TuningSettings(
    objective: .divergence(temperature: 1), isHard: true, granularity: .unit, attentionWeight: 0, mlpWeight: 0,
    budget: .penalty, budgetWeight: 1,
    learningRate: LearningRate(peak: 0.1, warmUp: 2, steps: 6, decay: .constant),
    scaleLearningRate: LearningRate(peak: 0.02, warmUp: 2, steps: 6, decay: .constant), clip: nil, stopAt: nil,
    saveEvery: 1)
  var scheduler = PruningScheduler(
    sparsity: 0.4, steps: 6, stages: 1, schedule: .oneShot, temperature: 1, lastTemperature: 1)
  var roundTo = 4
  var gamma: Double?
  var validate: ((ModelGates?) throws -> Double)?
  var rescore: ((ModelGates) throws -> ScoreTable)?
  private let weights: WidenedWeights
  private let sequences: [[Int32]]

  /// Sequences of a pass over all ranks, and passes of a step.
  static let (batch, accumulation) = (6, 2)

  init(
    _ tested: TestedBackend = .cpu, model: Model? = nil, communicator: any Communicator = SoloCommunicator(),
    seed: UInt64 = 1
  ) throws {
    let model = try model ?? RandomCheckpoint.shared
    self.model = model
    self.communicator = communicator
    backend = tested.make()
    scores = ScoreTable.random(for: model.blueprint, seed: seed)
    weights = WidenedWeights(
      blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model), isKeeping: true)
    sequences = randomSequences(lengths: (0..<40).map { 5 + $0 % 4 }, vocabularySize: 64, seed: 5)
  }

  /// The text of a step: which of it is this rank's.
  func batches(_ step: Int) -> TrainingBatches {
    let block = Partition(ranks: communicator.size).block(of: Self.batch, rank: communicator.rank)
    let passes = (0..<Self.accumulation).map { pass in
      (0..<Self.batch).map { sequences[(step * 7 + pass * 13 + $0) % sequences.count] }
    }
    return TrainingBatches(
      passes: passes.map { TokenBatch.split(Array($0[block]), tokens: 12) },
      firstSequences: passes.indices.map { $0 * Self.batch + block.lowerBound },
      targets: passes.joined().reduce(0) { $0 + $1.count - 1 }, tokens: passes.joined().reduce(0) { $0 + $1.count })
  }

  func allocate(_ table: ScoreTable, _ sparsity: Double, _ gamma: Double? = nil) throws -> PruningPlan {
    let settings = AllocationSettings(sparsity: sparsity, gamma: gamma ?? self.gamma, roundTo: roundTo)
    return try Allocation.allocate(table, layers: model.blueprint.prunableLayers, settings: settings)
  }

  /// Runs from the beginning or a state, to the end or a step.
  func run(
    from state: TrainingState? = nil, until last: Int? = nil, saved: @escaping (TrainingState) -> Void = { _ in }
  ) throws -> Trace {
    var trace = Trace()
    let registry = GateRegistry(model.blueprint, granularity: settings.granularity)
    let exchange = try GradientExchange(
      count: registry.scales.count, codec: .exact, communicator: communicator, name: "gate gradients")
    let tuner = try GateTuner(
      registry, weights: weights, scores: scores, settings: settings, scheduler: scheduler, exchange: exchange,
      communicator: communicator, keepsActivations: true,
      hooks: GateTuner.Hooks(
        allocate: { [self] in try allocate($0, $1, $2) }, batches: { [self] in batches($0) },
        validate: validate.map { validate in { gates, _ in try validate(gates) } },
        rescore: rescore,
        save: { state in
          trace.states.append(state)
          saved(state)
          if state.step == last { throw Stop() }
        }, report: { trace.steps.append($0) }))
    if let state { try tuner.resume(from: state) }
    do { trace.outcome = try tuner.run() } catch is Stop {}
    return trace
  }

  /// One step from gates as they are given: what it reported, and its gradients, which are Adam's first moments after it
  /// over 1 − β1.
  func step(
    from state: TrainingState
  ) throws -> (report: TrainingStep, logitGradient: [Float], scaleGradient: [Float], after: TrainingState) {
    var state = state
    for name in ["logits.first_moments", "scales.first_moments"] {
      state.shared.arrays[name] = state.shared.arrays[name]?.map { _ in 0 }
    }
    let trace = try run(from: state, until: state.step + 1)
    func gradient(_ name: String) -> [Float] {
      (trace.states[0].shared.arrays["\(name).first_moments"] ?? []).map { $0 / (1 - 0.9) }
    }
    return (trace.steps[0], gradient("logits"), gradient("scales"), trace.states[0])
  }

  /// A state after one step with random gates, half of which are open.
  func randomState(seed: UInt64 = 3) throws -> TrainingState {
    var state = try #require(try run(until: 1).states.first)
    var generator = SeededGenerator(seed: seed)
    state.shared.arrays["logits"] = (state.shared.arrays["logits"] ?? []).enumerated().map { index, _ in
      (index % 2 == 0 ? 1 : -1) * Float.random(in: 0.2...1.2, using: &generator)
    }
    state.shared.arrays["scales"] = (state.shared.arrays["scales"] ?? []).map { _ in
      Float.random(in: 0.6...1.4, using: &generator)
    }
    return state
  }

  /// The plan's factors: 1 for kept units, 0 for others.
  func mask(_ plan: PruningPlan) -> ModelGates { model.blueprint.mask(plan) }
}

extension ScoreTable {
  /// A random score for every unit.
  static func random(for blueprint: Blueprint, seed: UInt64) -> ScoreTable {
    var generator = SeededGenerator(seed: seed)
    func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: 0...1, using: &generator) } }
    return ScoreTable(
      layers: blueprint.prunableLayers.map { Layer(attention: random($0.attentionUnits), mlp: random($0.mlpUnits)) },
      metadata: Metadata(criterion: "random", objective: "", accumulation: "", modelHash: "model", dataHash: ""))
  }
}

extension [Float] {
  /// The Euclidean norm.
  var norm: Double { reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
}
