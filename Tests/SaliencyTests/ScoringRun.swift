import Architectures
import Artifacts
import Blueprints
import Communication
import Compute
import LayerStreaming
import Saliency
import TestSupport
import Transformers

/// One rank's part of scoring a model.
struct ScoringRun {
  let model: Model
  let backend: any ComputeBackend
  var settings = ScoringSettings()
  var communicator: any Communicator = SoloCommunicator()
  /// Tokens in a batch; with `absolute` each sequence is a batch.
  var batchTokens = 256
  /// Layers whose inside is not computed again.
  var keptLayers = 0

  init(_ model: Model, _ tested: TestedBackend = .cpu, settings: ScoringSettings = ScoringSettings()) {
    self.init(model, backend: tested.make(), settings: settings)
  }

  init(_ model: Model, backend: any ComputeBackend, settings: ScoringSettings = ScoringSettings()) {
    self.model = model
    self.backend = backend
    self.settings = settings
  }

  /// Scores, of which `own` are this rank's sequences; nil for its block.
  func score(
    _ sequences: [[Int32]], own: [[Int32]]? = nil, source: (any LayerSource)? = nil, memoryBudget: Int? = nil
  ) throws -> (layers: [ScoreTable.Layer], objective: Double) {
    let block = Partition(ranks: communicator.size).block(of: sequences.count, rank: communicator.rank)
    let own = own ?? Array(sequences[block])
    let batches =
      settings.accumulation == .absolute
      ? own.map { TokenBatch(nextTokenOf: [$0]) } : TokenBatch.split(own, tokens: batchTokens)
    let boundaries = try BoundaryStore(
      layers: model.blueprint.layers.count - keptLayers, batches: batches, hiddenSize: model.blueprint.hiddenSize,
      backend: backend, memoryBudget: memoryBudget, spillFolder: "/tmp")
    return try Scorer(blueprint: model.blueprint, backend: backend, communicator: communicator).score(
      batches, settings: settings,
      scope: GradientPass.Scope(
        sequences: sequences.count, targets: sequences.reduce(0) { $0 + max(0, $1.count - 1) }),
      source: source ?? MappedLayerSource(model), boundaries: boundaries)
  }
}

/// The scores of one pool of all layers, in order.
func flat(_ layers: [ScoreTable.Layer], _ pool: KeyPath<ScoreTable.Layer, [Float]>) -> [Float] {
  layers.flatMap { $0[keyPath: pool] }
}

/// The largest relative difference of any unit's scores.
func largestDifference(_ a: [ScoreTable.Layer], _ b: [ScoreTable.Layer]) -> Double {
  max(
    largestRelativeDifference(flat(a, \.attention), flat(b, \.attention)),
    largestRelativeDifference(flat(a, \.mlp), flat(b, \.mlp)))
}
