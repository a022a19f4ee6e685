public import Artifacts
public import Communication
internal import Optimization
public import Transformers

/// Trains low-rank adapters beside a pruned model, data-parallel: every rank runs its own sequences, the adapters'
/// gradients are summed over ranks, and every rank makes the same step (LoRA, Hu et al. 2021).
public final class RecoveryTrainer {
  /// What a trainer asks of its surroundings. All are collective.
  public struct Hooks {
    /// The text of a step.
    public var batches: (_ step: Int) throws -> TrainingBatches
    /// Perplexity on held-out text with the adapters; nil when there is no such text.
    public var validate: ((_ adapters: ModelAdapters, _ context: Overflow.Context) throws -> Double)?
    /// Keeps a state to go on from.
    public var save: (_ state: TrainingState) throws -> Void
    /// Hears of every finished step.
    public var report: (_ step: TrainingStep) throws -> Void
    /// Whether the state after this step is wanted whatever `saveEvery` says, as when the run is to end; asked after every
    /// step but the last. The same on every rank.
    public var wantsState: () throws -> Bool = { false }
    /// Sees this rank's own gradient before it is exchanged.
    public var gradient: (_ gradient: [Float]) -> Void = { _ in }

    public init(
      batches: @escaping (Int) throws -> TrainingBatches,
      validate: ((ModelAdapters, Overflow.Context) throws -> Double)?,
      save: @escaping (TrainingState) throws -> Void, report: @escaping (TrainingStep) throws -> Void
    ) {
      self.batches = batches
      self.validate = validate
      self.save = save
      self.report = report
    }
  }

  let settings: RecoverySettings
  let registry: AdapterRegistry
  let exchange: GradientExchange
  var optimizer: Adam
  /// The adapters' numbers; their matrices are copies.
  var values: [Float]
  var progress = RecoveryProgress()
  private let hooks: Hooks
  private let communicator: any Communicator
  private let pass: TrainingPass
  private let teacher: Teacher
  private let keepsActivations: Bool

  private static let check = StepCheck(
    stage: "recovery",
    remedy:
      "lower recovery.learning-rate, or recovery.alpha and recovery.hidden-weight where they are high, and start over (--fresh)"
  )

  /// How often a run is validated, so that one that gets worse is noticed.
  private static let validations = 4

  /// - Parameters:
  ///   - weights: the pruned model's.
  ///   - teacher: the dense model for distillation.
  ///   - exchange: for as many numbers as the registry has.
  ///   - keepsActivations: as in ``TrainingPass``.
  public init(
    _ registry: AdapterRegistry, weights: WidenedWeights, teacher: Teacher, settings: RecoverySettings,
    exchange: GradientExchange, communicator: any Communicator, keepsActivations: Bool, hooks: Hooks
  ) {
    self.registry = registry
    self.settings = settings
    self.exchange = exchange
    self.hooks = hooks
    self.communicator = communicator
    self.teacher = teacher
    self.keepsActivations = keepsActivations
    pass = TrainingPass(weights)
    values = registry.values
    optimizer = Adam(count: values.count, settings: Adam.Settings(weightDecay: settings.weightDecay))
  }

  /// Runs all steps that are left, and leaves the best numbers in the registry's adapters.
  public func run() throws -> RecoveryOutcome {
    if progress.step == 0 { _ = try judge() }
    while progress.step < settings.steps { try step() }
    if let best = progress.best { registry.values = best.values }
    return RecoveryOutcome(
      keptStep: progress.best?.step ?? progress.step, validationPerplexity: progress.best?.perplexity,
      startPerplexity: progress.startPerplexity, loss: progress.loss, tokens: progress.tokens)
  }

  private func step() throws {
    let start = ContinuousClock.now
    let batches = try hooks.batches(progress.step)
    let seed = settings.seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(progress.step + 1)
    let (check, number) = (Self.check, progress.step + 1)
    var loss = 0.0
    for (own, sequences) in zip(batches.passes, batches.sequences) {
      let student = TrainingPass.Student(
        adapters: registry.adapters,
        dropout: { [dropout = settings.dropout] number in
          guard dropout > 0 else { return nil }
          return AdapterDropout(
            probability: dropout, seed: seed, layout: own[number].layout, sequences: sequences[number])
        })
      loss += try pass.run(
        own, objective: settings.objective, teacher: teacher, hiddenWeight: settings.hiddenWeight,
        targets: batches.targets, student: student,
        keepsActivations: keepsActivations, context: context(ofStep: number)
      ).value
    }
    loss = try communicator.sum(of: loss)
    try check.requireFinite(loss, "the loss", step: number)
    var gradient = registry.takeGradients()
    hooks.gradient(gradient)
    try exchange.sum(&gradient, step: progress.step, place: registry.name)
    let norm = clip(&gradient, to: settings.clip)
    let learningRate = settings.learningRate(progress.step)
    optimizer.update(&values, gradients: gradient, learningRate: learningRate)
    try check.requireFinite(values, step: number, name: registry.name)
    registry.values = values

    progress.step += 1
    progress.tokens += batches.tokens
    progress.loss = loss
    var validation: Double?
    let isDue =
      progress.step * Self.validations / settings.steps > (progress.step - 1) * Self.validations / settings.steps
    if isDue { validation = try judge() }
    let sent = try communicator.sum(of: Double(exchange.lastStatistics.sentBytes))
    let uncompressed = try communicator.sum(of: Double(exchange.lastStatistics.uncompressedBytes))
    try hooks.report(
      TrainingStep(
        stage: "recover", step: progress.step, round: 0, loss: loss, gradientNorm: norm,
        learningRate: Double(learningRate), validationPerplexity: validation, tokens: progress.tokens,
        sentBytes: Int(sent), uncompressedBytes: Int(uncompressed), seconds: start.duration(to: .now) / .seconds(1)))
    guard progress.step < settings.steps else { return }
    let isTurn = settings.saveEvery > 0 && progress.step % settings.saveEvery == 0
    if try hooks.wantsState() || isTurn { try hooks.save(try state) }
  }

  private func context(ofStep step: Int) -> Overflow.Context {
    Overflow.Context(place: Self.check.place(ofStep: step), remedy: Self.check.remedy)
  }

  /// Measures the adapters as they are and keeps them when they are the best so far.
  private func judge() throws -> Double? {
    guard let validate = hooks.validate else { return nil }
    let perplexity = try validate(registry.adapters, progress.step == 0 ? .model : context(ofStep: progress.step))
    // An infinite one is no more than a bad one.
    if perplexity.isNaN { try Self.check.requireFinite(perplexity, "validation perplexity", step: progress.step) }
    if progress.step == 0 { progress.startPerplexity = perplexity }
    if progress.best.map({ perplexity < $0.perplexity }) ?? true {
      progress.best = RecoveryProgress.Best(values: values, perplexity: perplexity, step: progress.step)
    }
    return perplexity
  }
}

/// How far a trainer is.
struct RecoveryProgress: Sendable, Equatable {
  struct Best: Sendable, Equatable {
    var values: [Float]
    var perplexity: Double
    var step: Int
  }

  var step = 0
  var tokens = 0
  /// Of the last step.
  var loss = 0.0
  var startPerplexity: Double?
  var best: Best?
}

/// What recovery came to.
public struct RecoveryOutcome: Sendable, Equatable {
  /// The step whose adapters were the best on held-out text; 0: none was better than the model as it came.
  public let keptStep: Int
  public let validationPerplexity: Double?
  /// Before the first step.
  public let startPerplexity: Double?
  /// Of the last step.
  public let loss: Double
  public let tokens: Int
}
