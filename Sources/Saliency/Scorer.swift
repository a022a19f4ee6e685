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
  ///   - boundaries: as in ``GradientPass``, which finds in them the streams of the layer that `earlier` came to.
  ///   - gates: factors of the units, when not the dense model is scored but what gates leave of it.
  ///   - earlier: how far an earlier run came, with the same sequences on any number of ranks; this one goes on below.
  ///   - layerDone: gets all that scoring needs to go on below a layer: what ranks share, and this rank's streams, `[token,
  ///     hidden]` by batch, to be used at once. Every rank hears of every layer; what it throws ends the scoring.
  /// - Returns: the scores and f, equal on all ranks.
  /// - Throws: ``Overflow`` where hidden states or logits are no finite numbers; scores that are none are handed over.
  public func score(
    _ batches: [TokenBatch], settings: ScoringSettings, scope: GradientPass.Scope, source: any LayerSource,
    boundaries: BoundaryStore, gates: ModelGates? = nil, after earlier: ScoringProgress? = nil,
    progress: PassProgress? = nil,
    layerDone: ((_ done: ScoringProgress, _ streams: [Matrix]) throws -> Void)? = nil
  ) throws -> (layers: [ScoreTable.Layer], objective: Double) {
    precondition(settings.usesGradients, "\(settings.criterion) needs no gradients")
    let isAbsolute = settings.accumulation == .absolute
    precondition(!isAbsolute || batches.allSatisfy { $0.layout.count == 1 }, "absolute scores are per sequence")
    var done = earlier
    if let earlier, earlier.layer == 0 { return (earlier.layers, earlier.objective) }
    var scores = UnitScores(blueprint)
    let pass = GradientPass(
      blueprint: blueprint, backend: backend, source: source, context: gates == nil ? .model : .plan)
    _ = try pass.run(
      batches, objective: settings.objective, scope: scope,
      wants: GradientPass.Wants(layerParts: UnitScores.parts(of: blueprint), perBatch: isAbsolute),
      boundaries: boundaries, below: earlier?.layer, gates: gates, progress: progress,
      layerDone: { point in
        try share(&scores, layer: point.layer)
        let objective = try done?.objective ?? communicator.sum(of: point.value)
        let now = ScoringProgress(
          layer: point.layer, objective: objective, layers: [scores[point.layer]] + (done?.layers ?? []))
        done = now
        try layerDone?(now, point.streams)
      }
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
    guard let done else { preconditionFailure("a model without layers") }
    return (done.layers, done.objective)
  }

  /// Scores by the weights alone: each rank its own layers.
  ///
  /// - Parameters:
  ///   - weights: a layer's weights, from wherever this rank has them; of a rank that has no layer left it is asked for
  ///     none, and gives nil. Every rank asks as often.
  ///   - progress: counts rounds in which each rank scores one layer of its own, or has none left.
  public func scoreMagnitude(
    weights: (_ layer: Int?) throws -> GroupWeights?, progress: PassProgress? = nil
  ) throws -> [ScoreTable.Layer] {
    var scores = UnitScores(blueprint)
    let (count, partition) = (blueprint.layers.count, Partition(ranks: communicator.size))
    let own = partition.layers(ownedBy: communicator.rank, of: count)
    let rounds = partition.layers(ownedBy: 0, of: count).count
    for round in 0..<rounds {
      let layer = round < own.count ? own[round] : nil
      if let weights = try weights(layer), let layer {
        let matrices = try GroupMatrices(loading: weights, backend: backend)
        scores.add(layer: layer, weights: matrices, gradients: nil, backend: backend)
      }
      try progress?(round + 1, rounds)
    }
    for layer in 0..<count { try share(&scores, layer: layer) }
    return scores.layers
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

  /// Sums a layer's scores over ranks: each of them has all then, whoever is the owner. Layer by layer, so that the bits
  /// do not depend on where an earlier run came to.
  private func share(_ scores: inout UnitScores, layer: Int) throws {
    guard communicator.size > 1 else { return }
    var flat = scores[flat: layer]
    var span = flat.mutableSpan
    try communicator.sum(&span)
    scores[flat: layer] = flat
  }
}
