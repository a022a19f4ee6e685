internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import Compute
internal import Evaluation
internal import Optimization
internal import Recovery
internal import Repacking
internal import Transformers

/// Trains low-rank adapters on a pruned model over all ranks (DESIGN §1, Recovery).
struct RecoverStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  /// - Parameters:
  ///   - model: the pruned one.
  ///   - teacher: the dense one; needed for distillation.
  func run(
    _ model: Model, teacher: Model?, document: RunDocument, text: TrainingText, state: StateStore,
    stateDigest: String, metrics: (_ step: Int) throws -> MetricsFile?, dump: GradientDump? = nil
  ) throws -> (outcome: RecoveryOutcome, updates: [TensorRole: LowRankUpdate], exchange: GradientExchange) {
    let section = document.recovery
    let communicator = session.communicator
    let backend = resources.backend
    let settings = RecoverySettings(section)
    let models = [model] + (section.objective == .distillation ? teacher.map { [$0] } ?? [] : [])
    let registry = try session.together {
      try AdapterRegistry(
        model.blueprint, targets: settings.targets, rank: settings.rank, alpha: settings.alpha, seed: settings.seed,
        backend: backend)
    }
    let memory = try resources.trainingMemory(
      TrainingMemory.Workload(
        models, text: text, batchTokens: resources.batchTokens, ranks: communicator.size,
        isDistilled: section.objective == .distillation, comparesStates: settings.hiddenWeight != 0,
        trained: registry.count))
    let sources = try models.map { try resources.source($0) }
    let weights = zip(models, sources).map { model, source in
      WidenedWeights(blueprint: model.blueprint, backend: backend, source: source, isKeeping: memory.keepsWeights)
    }
    let exchange = try GradientExchange(
      count: registry.count, codec: document.exchange.codec.codec, communicator: communicator, name: "LoRA gradients")
    let validation = HeldOut(text, model: model, source: sources[0], resources: resources, session: session)
    let stopping = TrainingStop(session, state: state, digest: stateDigest)
    var hooks = RecoveryTrainer.Hooks(
      batches: { text.step($0, batchTokens: resources.batchTokens, communicator: communicator) },
      validate: validation.map { validation in { try validation.perplexity(adapters: $0, context: $1) } },
      save: stopping.save, report: { _ in })
    hooks.wantsState = stopping.isAsked
    if let dump { hooks.gradient = dump.keep }
    let tokens = Double(section.steps * text.tokensPerStep)
    let outcome = try recorder.run("recover", amount: tokens, unit: "tokens") {
      let saved = try stopping.load()
      let metrics = try metrics(saved?.step ?? 0)
      hooks.report = { [console = session.console] step in
        try metrics?.append(step)
        console.progress(step, of: section.steps)
      }
      let trainer = RecoveryTrainer(
        registry, weights: weights[0], teacher: weights.count > 1 ? .model(weights[1]) : .ungated, settings: settings,
        exchange: exchange, communicator: communicator, keepsActivations: memory.keepsActivations, hooks: hooks)
      if let saved { try session.together { try trainer.resume(from: saved) } }
      return try trainer.run()
    }
    for source in sources { recorder.count(source) }
    let updates = registry.adapters.mapValues { adapter in
      LowRankUpdate(
        rank: settings.rank, a: backend.floats(adapter.a), b: backend.floats(adapter.b), scale: adapter.scale)
    }
    return (outcome, updates, exchange)
  }
}

extension RecoverySettings {
  /// What a document says of recovery.
  init(_ section: RunDocument.RecoverySection) {
    self.init(
      objective: section.objective == .loss ? .crossEntropy : .divergence(temperature: Float(section.temperature)),
      hiddenWeight: Float(section.hiddenWeight),
      rank: section.rank, alpha: Float(section.alpha), dropout: Float(section.dropout),
      targets: Set(section.targets.map(\.part)),
      learningRate: LearningRate(
        peak: Float(section.learningRate), warmUp: section.warmUp, steps: section.steps, decay: .cosine),
      weightDecay: Float(section.weightDecay), clip: section.clip, seed: section.seed, steps: section.steps,
      saveEvery: section.saveEvery)
  }
}

extension RecoveryTarget {
  /// The weight that gets an adapter.
  fileprivate var part: TensorPart {
    switch self {
    case .query: .queryWeight
    case .key: .keyWeight
    case .value: .valueWeight
    case .output: .outputWeight
    case .gate: .gateWeight
    case .up: .upWeight
    case .down: .downWeight
    }
  }
}
