import Architectures
import Artifacts
import Blueprints
import Communication
import Compute
import LayerStreaming
import ModelTestSupport
import Optimization
import Recovery
import TestSupport
import Transformers

/// One rank's recovery of a small model: settings that a test changes, and runs that it looks into.
final class RecoveryProbe {
  /// What a run came to, and everything that was heard of it.
  struct Trace {
    let outcome: RecoveryOutcome
    /// The adapters as the run left them.
    let registry: AdapterRegistry
    /// Their numbers before the first step.
    let start: [Float]
    let steps: [TrainingStep]
    /// The state after each step but the last.
    let states: [TrainingState]
  }

  let model: Model
  let backend: any ComputeBackend
  let communicator: any Communicator
  var settings = RecoverySettings(
    objective: .crossEntropy, rank: 3, alpha: 6, dropout: 0, targets: RecoveryProbe.allTargets,
    learningRate: LearningRate(peak: 0.01, warmUp: 1, steps: 8, decay: .cosine), weightDecay: 0.1, clip: 1, seed: 4,
    steps: 8, saveEvery: 1)
  var teacher = Teacher.ungated
  var validate: ((ModelAdapters) throws -> Double)?
  /// Tokens in a batch.
  var batchTokens = 16
  /// Different sequences in the text; the fewer, the more often each comes.
  var texts = 20
  private let weights: WidenedWeights

  static let allTargets: Set<TensorPart> = [
    .queryWeight, .keyWeight, .valueWeight, .outputWeight, .gateWeight, .upWeight, .downWeight,
  ]
  /// Sequences of a pass over all ranks, and passes of a step.
  static let (batch, accumulation) = (6, 2)

  init(_ tested: TestedBackend = .cpu, communicator: any Communicator = SoloCommunicator()) throws {
    model = try RandomCheckpoint.shared
    backend = tested.make()
    self.communicator = communicator
    weights = Self.widened(model, backend)
  }

  static func widened(_ model: Model, _ backend: any ComputeBackend) -> WidenedWeights {
    WidenedWeights(blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model), isKeeping: true)
  }

  func makeRegistry() throws -> AdapterRegistry {
    try AdapterRegistry(
      model.blueprint, targets: settings.targets, rank: settings.rank, alpha: settings.alpha, seed: settings.seed,
      backend: backend)
  }

  /// The text of a step: which of it is this rank's. Every third sequence begins with context that is no target.
  func batches(_ step: Int) -> TrainingBatches {
    let sequences = randomSequences(lengths: (0..<20).map { 5 + $0 % 4 }, vocabularySize: 64, seed: 5)
    let block = Partition(ranks: communicator.size).block(of: Self.batch, rank: communicator.rank)
    let passes = (0..<Self.accumulation).map { pass in
      (0..<Self.batch).map { (step * 7 + pass * 13 + $0) % texts }
    }
    let scoredFrom = sequences.indices.map { $0 % 3 == 0 ? 3 : 1 }
    return TrainingBatches(
      passes: passes.map { pass in
        TokenBatch.split(
          pass[block].map { sequences[$0] }, tokens: batchTokens, scoredFrom: pass[block].map { scoredFrom[$0] })
      },
      firstSequences: passes.indices.map { $0 * Self.batch + block.lowerBound },
      targets: passes.joined().reduce(0) { $0 + sequences[$1].count - scoredFrom[$1] },
      tokens: passes.joined().reduce(0) { $0 + sequences[$1].count })
  }

  /// Runs from the beginning or a state to the end.
  func run(from state: TrainingState? = nil, saved: @escaping (TrainingState) -> Void = { _ in }) throws -> Trace {
    var (steps, states): ([TrainingStep], [TrainingState]) = ([], [])
    let registry = try makeRegistry()
    let start = registry.values
    let trainer = RecoveryTrainer(
      registry, weights: weights, teacher: teacher, settings: settings,
      exchange: try GradientExchange(
        count: registry.count, codec: .exact, communicator: communicator, name: "LoRA gradients"),
      communicator: communicator, keepsActivations: true,
      hooks: RecoveryTrainer.Hooks(
        batches: { [self] in batches($0) },
        validate: validate.map { validate in { adapters, _ in try validate(adapters) } },
        save: {
          states.append($0)
          saved($0)
        },
        report: { steps.append($0) }))
    if let state { try trainer.resume(from: state) }
    let outcome = try trainer.run()
    return Trace(outcome: outcome, registry: registry, start: start, steps: steps, states: states)
  }
}
