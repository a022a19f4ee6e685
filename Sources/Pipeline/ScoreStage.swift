internal import Compute
internal import Checkpoints
internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import Foundation
internal import LayerStreaming
internal import Saliency
internal import Transformers

/// Scores every unit of the model over all ranks (DESIGN §1, Saliency).
struct ScoreStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  /// The finished table, equal on every rank, and f where there is one.
  ///
  /// - Parameters:
  ///   - gates: factors of the units, when not the dense model is scored.
  ///   - state: what it saves and goes on from, when it scores by gradients; nil for nothing.
  ///   - saved: what the same command goes on from before there is a state, as in ``StoppedError/saved``.
  /// - Throws: ``StoppedError`` when a signal asks for the end.
  func run(
    _ inputs: Inputs, gates: ModelGates? = nil, state: ScoringState? = nil, saved: String = "nothing of score yet"
  ) throws -> (table: ScoreTable, objective: Double?) {
    let document = inputs.document
    let settings = ScoringSettings(document.scoring)
    let blueprint = inputs.model.blueprint
    let scorer = Scorer(blueprint: blueprint, backend: resources.backend, communicator: session.communicator)
    let saver = ScoringSaver(session, state: state, interval: document.resources.saveInterval, saved: saved)
    var objective: Double?
    let layers: [ScoreTable.Layer]
    switch settings.criterion {
    case .ntk, .taylor:
      let result = try scoreByGradients(
        inputs, settings: settings, scorer: scorer, gates: gates, earlier: state?.load(), saver: saver)
      (layers, objective) = (result.layers, result.objective)
    case .magnitude:
      layers = try recorder.run("score", amount: Double(inputs.model.parameterCount), unit: "parameters") {
        try scorer.scoreMagnitude(
          weights: { try resources.weights(ofLayer: $0, of: inputs.model) }, progress: saver.progress)
      }
    case .random:
      layers = try recorder.run("score") { scorer.scoreRandomly(seed: settings.seed) }
    }
    let usesGradients = settings.usesGradients
    let table = ScoreTable(
      layers: layers,
      metadata: ScoreTable.Metadata(
        criterion: settings.criterion.rawValue, objective: usesGradients ? settings.objective.rawValue : "",
        accumulation: usesGradients ? settings.accumulation.rawValue : "",
        modelHash: inputs.modelHash, dataHash: usesGradients ? inputs.dataHash : ""))
    _ = try session.together { try table.checked(against: blueprint.prunableLayers) }
    return (table, objective)
  }

  /// Makes sure that scoring fits `resources.memory-limit`, before anything is computed. Collective.
  func checkMemory(_ inputs: Inputs) throws {
    let settings = ScoringSettings(inputs.document.scoring)
    guard settings.usesGradients else { return }
    try memoryPlan(inputs, batches: batches(inputs, settings: settings), settings: settings, isGated: false)
      .requireRoom(session)
  }

  /// Of the layers' insides those that the backward sweep computes again, the mean over ranks. Collective.
  func recomputedShare(_ inputs: Inputs) throws -> Double {
    let settings = ScoringSettings(inputs.document.scoring)
    let plan = memoryPlan(inputs, batches: batches(inputs, settings: settings), settings: settings, isGated: false)
    let layers = Double(inputs.model.blueprint.layers.count)
    let shares = try session.communicator.gather((layers - Double(plan.keptLayers)) / layers)
    return shares.reduce(0, +) / Double(shares.count)
  }

  /// This rank's calibration sequences in the batches that go through the model together.
  private func batches(_ inputs: Inputs, settings: ScoringSettings) -> [TokenBatch] {
    let own = session.communicator.share(of: inputs.sequences)
    return settings.accumulation == .absolute
      ? own.map { TokenBatch(nextTokenOf: [$0]) } : TokenBatch.split(own, tokens: resources.batchTokens)
  }

  private func memoryPlan(
    _ inputs: Inputs, batches: [TokenBatch], settings: ScoringSettings, isGated: Bool, recompute: RecomputeChoice? = nil
  ) -> MemoryPlan {
    let section = inputs.document.resources
    let workload = MemoryPlan.Workload(
      batches, objective: settings.objective, isGated: isGated,
      summingRanks: settings.accumulation == .signed ? session.communicator.size : 1)
    return MemoryPlan(
      inputs.model, workload, weights: resources.residence, recompute: recompute ?? section.recompute,
      limit: section.memoryLimit, available: resources.availableBytes)
  }

  /// Says what a limit leaves in memory, and what not.
  private func announce(_ plan: MemoryPlan, layers: Int, spilledBytes: Int, spillFolder: String) {
    let kept = ByteSize(bytes: plan.account[.insidesKept]).rounded
    session.console.say(
      plan.keptLayers == 0
        ? "recompute: all \(layers) layers" : "recompute: \(plan.keptLayers) of \(layers) layers kept (\(kept))")
    guard spilledBytes > 0 else { return }
    let size = ByteSize(bytes: spilledBytes).rounded
    session.console.say("memory-limit: \(size) of activations per rank go to a file in \(spillFolder)")
  }

  private func scoreByGradients(
    _ inputs: Inputs, settings: ScoringSettings, scorer: Scorer, gates: ModelGates?,
    earlier: consuming ScoringState.Found?, saver: ScoringSaver
  ) throws -> (layers: [ScoreTable.Layer], objective: Double) {
    let model = inputs.model
    let batches = batches(inputs, settings: settings)
    let layers = model.blueprint.layers.count
    let done = earlier?.progress
    if let done { saver.goesOn(from: done) }
    // What is left of a pass keeps no insides, but boundaries: the streams lie among them.
    let plan = memoryPlan(
      inputs, batches: batches, settings: settings, isGated: gates != nil, recompute: done == nil ? nil : .always)
    try plan.requireRoom(session)
    let spillFolder = NSTemporaryDirectory()
    let boundaries = try session.together {
      let boundaries = try BoundaryStore(
        layers: done.map { $0.layer + 1 } ?? layers - plan.keptLayers, batches: batches,
        hiddenSize: model.blueprint.hiddenSize, backend: resources.backend, memoryBudget: plan.boundaryBudget,
        spillFolder: spillFolder)
      try earlier?.put(into: boundaries, batches: batches, backend: resources.backend)
      return boundaries
    }
    // Files that the next state replaces are not held open.
    earlier = nil
    if inputs.document.resources.memoryLimit != nil {
      announce(plan, layers: layers, spilledBytes: boundaries.spilledBytes, spillFolder: spillFolder)
    }
    let scope = GradientPass.Scope(
      sequences: inputs.sequences.count, targets: inputs.sequences.reduce(0) { $0 + max(0, $1.count - 1) })
    let source = try resources.source(model)
    let tokens = inputs.sequences.reduce(0) { $0 + $1.count }
    let result = try recorder.run("score", amount: Double(tokens), unit: "tokens") {
      recorder.share(batches.reduce(0) { $0 + $1.layout.tokens })
      return try scorer.score(
        batches, settings: settings, scope: scope, source: source, boundaries: boundaries, gates: gates, after: done,
        progress: saver.progress,
        layerDone: { done, streams in
          // Before it is saved.
          try session.together { try done.requireFinite() }
          try saver.layerDone(done, batches: batches, streams: streams, backend: resources.backend)
        })
    }
    recorder.count(source)
    resources.backend.releaseUnusedMemory()
    return result
  }
}

extension ScoringSettings {
  /// What a document says of scoring.
  init(_ section: RunDocument.ScoringSection) {
    let criterion: Criterion =
      switch section.criterion {
      case .ntk: .ntk
      case .taylor: .taylor
      case .magnitude: .magnitude
      case .random: .random
      }
    self.init(
      criterion: criterion, objective: section.objective == .loss ? .loss : .maximumLogit,
      accumulation: section.accumulation == .signed ? .signed : .absolute, seed: section.seed,
      exchange: section.exchange.codec)
  }
}

extension PhaseRecorder {
  /// Counts what a source moved between ranks.
  func count(_ source: any LayerSource) {
    if let source = (source as? WatchedLayerSource)?.base as? BroadcastLayerSource {
      trafficBytes += source.broadcastBytes
    }
  }
}
