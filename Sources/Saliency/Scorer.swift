public import Artifacts
internal import Calibration
public import Blueprints
public import Communication
public import Compute
public import Transformers

/// Scores every prunable unit of a model over all ranks.
///
/// Each rank runs its own sequences through all layers. `signed`: as soon as a layer's weight gradients are complete they
/// are summed over ranks onto the layer's owner, who multiplies by the weights and sums over units. `absolute`: each rank
/// scores its own sequences, and only unit scores travel. Either way the finished table is the same on every rank.
public struct Scorer {
  private let blueprint: Blueprint
  private let backend: any ComputeBackend
  private let communicator: any Communicator

  /// - Parameter communicator: for reductions; nothing else may use it meanwhile.
  public init(blueprint: Blueprint, backend: any ComputeBackend, communicator: any Communicator) {
    self.blueprint = blueprint
    self.backend = backend
    self.communicator = communicator
  }

  /// Scores by gradients (`ntk`, `taylor`).
  ///
  /// - Parameters:
  ///   - batches: this rank's sequences; none is fine. For `absolute` each batch must be one sequence.
  ///   - scope: sequences and targets of all ranks.
  ///   - gates: factors of the units, when not the dense model is scored but what gates leave of it.
  /// - Returns: the scores and f, equal on all ranks.
  public func score(
    _ batches: [TokenBatch], settings: ScoringSettings, scope: GradientPass.Scope, source: any LayerSource,
    boundaries: BoundaryStore, gates: ModelGates? = nil, progress: PassProgress? = nil
  ) throws -> (layers: [ScoreTable.Layer], objective: Double) {
    precondition(settings.usesGradients, "\(settings.criterion) needs no gradients")
    let isAbsolute = settings.accumulation == .absolute
    precondition(!isAbsolute || batches.allSatisfy { $0.layout.count == 1 }, "absolute scores are per sequence")
    var scores = UnitScores(blueprint)
    let pass = GradientPass(blueprint: blueprint, backend: backend, source: source)
    let value = try pass.run(
      batches, objective: settings.objective, scope: scope,
      wants: GradientPass.Wants(layerParts: UnitScores.parts(of: blueprint), perBatch: isAbsolute),
      boundaries: boundaries, gates: gates, progress: progress
    ) { gradients, weights, matrices in
      guard case .layer(let layer) = gradients.group else { return }
      if isAbsolute {
        guard let matrices else { return }
        scores.add(layer: layer, weights: matrices, gradients: gradients, backend: backend)
      } else {
        let owner = Partition(ranks: communicator.size).owner(ofLayer: layer)
        try sum(gradients, onto: owner, codec: settings.exchange)
        if communicator.rank == owner {
          let matrices = try matrices ?? GroupMatrices(loading: weights, backend: backend)
          scores.add(layer: layer, weights: matrices, gradients: gradients, backend: backend)
        }
      }
    }
    return (try shared(scores), try communicator.sum(of: value))
  }

  /// Scores by the weights alone: each rank its own layers.
  ///
  /// - Parameter weights: a layer's weights, from wherever this rank has them.
  public func scoreMagnitude(
    weights: (_ layer: Int) throws -> GroupWeights, progress: PassProgress? = nil
  ) throws -> [ScoreTable.Layer] {
    var scores = UnitScores(blueprint)
    let own = Partition(ranks: communicator.size).layers(ownedBy: communicator.rank, of: blueprint.layers.count)
    for (done, layer) in own.enumerated() {
      let matrices = try GroupMatrices(loading: try weights(layer), backend: backend)
      scores.add(layer: layer, weights: matrices, gradients: nil, backend: backend)
      progress?(done + 1, own.count)
    }
    return try shared(scores)
  }

  /// A seeded score for every unit, the same on every rank without a message.
  public func scoreRandomly(seed: UInt64) -> [ScoreTable.Layer] {
    var generator = SplitMix64(seed: seed)
    var scores = UnitScores(blueprint)
    scores.fill { Double(generator.next() >> 40) / Double(1 << 24) }
    return scores.layers
  }

  /// Sums a layer's gradients over ranks onto its owner.
  private func sum(_ gradients: GroupMatrices, onto owner: Int, codec: GradientCodec?) throws {
    guard communicator.size > 1 else { return }
    for role in gradients.roles {
      guard let matrix = gradients[role] else { continue }
      try backend.update(matrix) { values in
        if let codec {
          _ = try GradientExchange.reduce(&values, to: owner, codec: codec, communicator: communicator, name: "\(role)")
        } else {
          try communicator.sum(&values, root: owner)
        }
      }
    }
  }

  private func shared(_ scores: UnitScores) throws -> [ScoreTable.Layer] {
    var scores = scores
    var flat = scores.flat
    var span = flat.mutableSpan
    try communicator.sum(&span)
    scores.flat = flat
    return scores.layers
  }
}
