import Architectures
import Artifacts
import Blueprints
import Communication
import Compute
import Evaluation
import LayerStreaming
import Repacking
import TestSupport
import Transformers

/// One rank's part of measuring a model.
struct EvaluationRun {
  let model: Model
  let backend: any ComputeBackend
  var communicator: any Communicator = SoloCommunicator()
  var batchTokens = 512
  var roundTokens = 1 << 16

  init(_ model: Model, _ tested: TestedBackend = .cpu) {
    self.model = model
    backend = tested.make()
  }

  /// The perplexity over `windows`, of which `own` are this rank's; nil for its block.
  func measure(
    _ windows: [EvaluationWindow], own: [EvaluationWindow]? = nil, plan: PruningPlan? = nil,
    source: (any LayerSource)? = nil
  ) throws -> Perplexity {
    let block = Partition(ranks: communicator.size).block(of: windows.count, rank: communicator.rank)
    return try PerplexityMeasurement(
      blueprint: model.blueprint, backend: backend, communicator: communicator
    ).measure(
      own ?? Array(windows[block]), batchTokens: batchTokens, roundTokens: roundTokens,
      source: source ?? MappedLayerSource(model), gates: plan.map(model.blueprint.mask))
  }

  /// KL(dense ‖ pruned) of each plan over `sequences`, of which `own` are this rank's; nil for its block.
  func divergences(
    _ sequences: [[Int32]], own: [[Int32]]? = nil, plans: [PruningPlan], source: (any LayerSource)? = nil
  ) throws -> [Double] {
    let block = Partition(ranks: communicator.size).block(of: sequences.count, rank: communicator.rank)
    return try DivergenceMeasurement(
      blueprint: model.blueprint, backend: backend, communicator: communicator
    ).measure(
      own ?? Array(sequences[block]), masks: plans.map(model.blueprint.mask), batchTokens: batchTokens,
      roundTokens: roundTokens, source: source ?? MappedLayerSource(model))
  }
}

/// Random windows of these lengths, each with a share of context.
func randomWindows(_ lengths: [(length: Int, scoredFrom: Int)], vocabularySize: Int, seed: UInt64) -> [EvaluationWindow]
{
  var generator = SeededGenerator(seed: seed)
  return lengths.map { length, scoredFrom in
    let ids = (0..<length).map { _ in Int32.random(in: 0..<Int32(vocabularySize), using: &generator) }
    return EvaluationWindow(ids: ids, scoredFrom: scoredFrom)
  }
}
