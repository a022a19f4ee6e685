internal import Allocation
internal import Architectures
internal import Artifacts
internal import Communication
internal import Compute
internal import Evaluation
internal import GateTuning
internal import Optimization
internal import Saliency
internal import Transformers

/// Tunes gates over all ranks, from scores to a better plan and the factors of its units (DESIGN §1, Gates).
struct TuneStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  func run(
    _ inputs: Inputs, text: TrainingText, scores: ScoreTable,
    allocate: @escaping (ScoreTable, Double, Double?) throws -> PruningPlan,
    rescore: @escaping (_ gates: ModelGates, _ saved: String) throws -> ScoreTable, state: StateStore,
    stateDigest: String,
    metrics: (_ step: Int) throws -> MetricsFile?, dump: GradientDump? = nil
  ) throws -> (outcome: TuningOutcome, exchange: GradientExchange) {
    let section = inputs.document.tuning
    let communicator = session.communicator
    let model = inputs.model
    let settings = TuningSettings(section)
    let scheduler = PruningScheduler(
      sparsity: inputs.document.allocation.sparsity, steps: section.steps, stages: section.stages,
      schedule: section.schedule.scheduler, temperature: Float(section.tau), lastTemperature: Float(section.tauEnd))
    let registry = GateRegistry(model.blueprint, granularity: settings.granularity)
    let memory = try memory(inputs, text: text)
    let source = try resources.source(model)
    let weights = WidenedWeights(
      blueprint: model.blueprint, backend: resources.backend, source: source, isKeeping: memory.keepsWeights)
    let exchange = try GradientExchange(
      count: registry.scales.count, codec: inputs.document.exchange.codec.codec, communicator: communicator,
      name: "gate gradients")
    let validation = HeldOut(text, model: model, source: source, resources: resources, session: session)
    let console = session.console
    let stopping = TrainingStop(session, state: state, digest: stateDigest)
    var hooks = GateTuner.Hooks(
      allocate: allocate,
      batches: { text.step($0, batchTokens: resources.batchTokens, communicator: communicator) },
      validate: validation.map { validation in { try validation.perplexity(gates: $0, context: $1) } },
      rescore: section.rescore ? { try rescore($0, stopping.saved) } : nil, save: stopping.save, report: { _ in })
    hooks.wantsState = stopping.isAsked
    if let dump { hooks.gradient = dump.keep }
    let tokens = Double(section.steps * text.tokensPerStep)
    let outcome = try recorder.run("tune", amount: tokens, unit: "tokens") {
      let saved = try stopping.load()
      let metrics = try metrics(saved?.step ?? 0)
      hooks.report = { step in
        try metrics?.append(step)
        console.progress(step, of: section.steps)
      }
      let tuner = try GateTuner(
        registry, weights: weights, scores: scores, settings: settings, scheduler: scheduler, exchange: exchange,
        communicator: communicator, keepsActivations: memory.keepsActivations, hooks: hooks)
      if let saved { try session.together { try tuner.resume(from: saved) } }
      return try tuner.run()
    }
    recorder.count(source)
    return (outcome, exchange)
  }

  /// What tuning keeps in memory. Collective.
  ///
  /// - Throws: ``MemoryLimitError`` on all ranks when a limit is too low.
  func memory(_ inputs: Inputs, text: TrainingText) throws -> TrainingMemory {
    let settings = TuningSettings(inputs.document.tuning)
    let registry = GateRegistry(inputs.model.blueprint, granularity: settings.granularity)
    return try resources.trainingMemory(
      TrainingMemory.Workload(
        [inputs.model], text: text, batchTokens: resources.batchTokens, ranks: session.communicator.size,
        isDistilled: inputs.document.tuning.objective == .distillation, comparesStates: settings.hiddenWeight != 0,
        isGated: true, trained: registry.scales.count))
  }
}

extension TuningSettings {
  /// What a document says of tuning.
  init(_ section: RunDocument.TuningSection) {
    func rate(_ peak: Double) -> LearningRate {
      LearningRate(
        peak: Float(peak), warmUp: section.warmUp, steps: section.steps,
        decay: section.decay == .cosine ? .cosine : .constant)
    }
    self.init(
      objective: section.objective == .loss ? .crossEntropy : .divergence(temperature: Float(section.temperature)),
      hiddenWeight: Float(section.hiddenWeight),
      isHard: section.mask == .hard,
      granularity: section.granularity == .sublayer
        ? .sublayer : section.granularity == .block ? .block(neurons: section.block) : .unit,
      attentionWeight: section.attentionWeight, mlpWeight: section.mlpWeight,
      budget: BudgetControl(rawValue: section.budget.rawValue) ?? .rank, budgetWeight: section.budgetWeight,
      learningRate: rate(section.learningRate), scaleLearningRate: rate(section.scaleLearningRate),
      clip: section.clip, stopAt: section.stopAt, saveEvery: section.saveEvery)
  }
}

extension TuningSchedule {
  var scheduler: PruningScheduler.Schedule {
    switch self {
    case .oneShot: .oneShot
    case .linear: .linear
    case .cubic: .cubic
    }
  }
}

extension ScoringExchange {
  /// nil: the message library's own reduction.
  var codec: GradientCodec? {
    switch self {
    case .exact: .exact
    case .bf16: .bf16
    case .int8: .int8
    case .none: nil
    }
  }
}

extension ExchangeCodec {
  /// nil: to be decided by measurement.
  var codec: GradientCodec? {
    switch self {
    case .exact: .exact
    case .bf16: .bf16
    case .int8: .int8
    case .none: GradientCodec.none
    case .auto: nil
    }
  }
}
