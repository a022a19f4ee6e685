public import Artifacts
public import Communication
internal import Optimization
public import Transformers

/// Learns which units stay, and how much each counts, data-parallel: every rank runs its own sequences, the gradients of
/// the units' factors are summed over ranks, and every rank makes the same step.
public final class GateTuner {
  /// What a tuner asks of its surroundings. All are collective.
  public struct Hooks {
    /// A plan for a sparsity by scores; γ nil for the run document's.
    public var allocate: (_ scores: ScoreTable, _ sparsity: Double, _ gamma: Double?) throws -> PruningPlan
    /// The text of a step.
    public var batches: (_ step: Int) throws -> TrainingBatches
    /// Perplexity on held-out text under gates, nil for the dense model; nil when there is no such text.
    public var validate: ((_ gates: ModelGates?, _ context: Overflow.Context) throws -> Double)?
    /// Scores under gates, when stages begin with new ones.
    public var rescore: ((_ gates: ModelGates) throws -> ScoreTable)?
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
      allocate: @escaping (ScoreTable, Double, Double?) throws -> PruningPlan,
      batches: @escaping (Int) throws -> TrainingBatches,
      validate: ((ModelGates?, Overflow.Context) throws -> Double)?,
      rescore: ((ModelGates) throws -> ScoreTable)?, save: @escaping (TrainingState) throws -> Void,
      report: @escaping (TrainingStep) throws -> Void
    ) {
      self.allocate = allocate
      self.batches = batches
      self.validate = validate
      self.rescore = rescore
      self.save = save
      self.report = report
    }
  }

  let settings: TuningSettings
  let scheduler: PruningScheduler
  let exchange: GradientExchange
  private let hooks: Hooks
  private let communicator: any Communicator
  private let pass: TrainingPass
  private let keepsActivations: Bool
  private let scores: ScoreTable
  /// The first stage's plan by the scores.
  private let oneShot: PruningPlan
  var registry: GateRegistry
  var logitOptimizer: Adam
  var scaleOptimizer: Adam
  var budget: BudgetTerms
  var progress = TuningProgress()

  private static let check = StepCheck(
    stage: "gate tuning",
    remedy:
      "lower tuning.learning-rate or tuning.scale-learning-rate, or raise tuning.tau where it is low, and start over (--fresh)"
  )

  /// - Parameters:
  ///   - scores: of the dense model: their order is where gates start.
  ///   - exchange: for as many numbers as the registry has scales.
  ///   - keepsActivations: as in ``TrainingPass``.
  public init(
    _ registry: GateRegistry, weights: WidenedWeights, scores: ScoreTable, settings: TuningSettings,
    scheduler: PruningScheduler, exchange: GradientExchange, communicator: any Communicator, keepsActivations: Bool,
    hooks: Hooks
  ) throws {
    self.settings = settings
    self.scheduler = scheduler
    self.exchange = exchange
    self.hooks = hooks
    self.communicator = communicator
    self.keepsActivations = keepsActivations
    self.registry = registry
    pass = TrainingPass(weights)
    logitOptimizer = Adam(count: registry.logits.count)
    scaleOptimizer = Adam(count: registry.scales.count)
    budget = BudgetTerms(
      attentionWeight: settings.attentionWeight, mlpWeight: settings.mlpWeight, control: settings.budget,
      weight: settings.budgetWeight)
    self.scores = scores
    oneShot = try hooks.allocate(scores, scheduler.target(ofStage: 0), nil)
    self.registry.start(from: scores, plan: oneShot)
  }

  /// Runs all steps that are left, and returns the best plan at the sparsity that was reached.
  public func run() throws -> TuningOutcome {
    if progress.step == 0 { try judgeStart() }
    while progress.step < scheduler.steps, !progress.isStopped {
      let stage = scheduler.stage(ofStep: progress.step)
      if progress.step == scheduler.steps(ofStage: stage).lowerBound { try begin(stage) }
      try step(stage)
    }
    guard let best = progress.best else { preconditionFailure("no plan was judged") }
    return TuningOutcome(best: best, registry: registry, progress: progress)
  }

  /// The one-shot plan is the first to be judged: tuning that makes things worse leaves it.
  private func judgeStart() throws {
    guard let validate = hooks.validate else { return }
    progress.dense = try validate(nil, .model)
    _ = try judge(oneShot, of: registry, target: scheduler.target(ofStage: 0), round: nil)
  }

  /// Judges the plan that the scores alone make at a sparsity, with units as they were.
  private func judgeOneShot(target: Double) throws {
    let plan = try hooks.allocate(scores, target, nil)
    var untrained = registry
    untrained.scales = Array(repeating: 1, count: registry.scales.count)
    untrained.start(from: scores, plan: plan)
    _ = try judge(plan, of: untrained, target: target, round: nil)
  }

  private func begin(_ stage: Int) throws {
    progress.stageLoss = 0
    guard stage > 0, let rescore = hooks.rescore else { return }
    let scores = try rescore(registry.modelGates(registry.factors(try plan(scheduler.target(ofStage: stage - 1)))))
    registry.start(from: scores, plan: try hooks.allocate(scores, scheduler.target(ofStage: stage), nil))
  }

  private func step(_ stage: Int) throws {
    let start = ContinuousClock.now
    let target = scheduler.target(ofStage: stage)
    let function = GateFunction(
      temperature: scheduler.temperature(atStep: progress.step), isHard: settings.isHard)
    let openness = try openness(function, target: target)
    let (check, number) = (Self.check, progress.step + 1)
    let batches = try hooks.batches(progress.step)
    let (loss, gradient) = try factorGradients(batches, openness: openness)

    let shares = registry.shares(openness: openness)
    var (logitGradient, scaleGradient) = registry.gradients(
      ofFactors: gradient, openness: openness, function: function)
    let slopes = budget.slopes(shares, targetSparsity: target)
    registry.addShareGradients(
      attention: slopes.attention, mlp: slopes.mlp, shares: shares, function: function, to: &logitGradient)
    let norm = clip(&logitGradient, to: settings.clip)
    _ = clip(&scaleGradient, to: settings.clip)
    let learningRate = settings.learningRate(progress.step)
    logitOptimizer.update(&registry.logits, gradients: logitGradient, learningRate: learningRate)
    try check.requireFinite(registry.logits, step: number) { "the logit of gate \($0)" }
    if settings.scaleLearningRate.peak > 0 {
      scaleOptimizer.update(
        &registry.scales, gradients: scaleGradient, learningRate: settings.scaleLearningRate(progress.step))
      try check.requireFinite(registry.scales, step: number, name: registry.unitName)
    }
    budget.step(shares, targetSparsity: target)

    progress.step += 1
    progress.tokens += batches.tokens
    progress.stageLoss += loss
    let isLast = progress.step == scheduler.steps(ofStage: stage).upperBound
    var validation: Double?
    if isLast { validation = try finish(stage, target: target) }
    let sent = try communicator.sum(of: Double(exchange.lastStatistics.sentBytes))
    let uncompressed = try communicator.sum(of: Double(exchange.lastStatistics.uncompressedBytes))
    try hooks.report(
      TrainingStep(
        stage: "tune", step: progress.step, round: stage, loss: loss, gradientNorm: norm,
        learningRate: Double(learningRate), targetSparsity: target, sparsity: shares.sparsity,
        attentionOpen: shares.attention, mlpOpen: shares.mlp, validationPerplexity: validation,
        tokens: progress.tokens, sentBytes: Int(sent), uncompressedBytes: Int(uncompressed),
        seconds: start.duration(to: .now) / .seconds(1)))
    guard progress.step < scheduler.steps else { return }
    let isTurn = settings.saveEvery > 0 && progress.step % settings.saveEvery == 0
    if try hooks.wantsState() || isTurn { try hooks.save(try state) }
  }

  /// The mean loss over all ranks and the gradient of the factors, summed over passes and ranks.
  private func factorGradients(
    _ batches: TrainingBatches, openness: [Float]
  ) throws -> (loss: Double, gradient: [Float]) {
    let student = TrainingPass.Student(
      gates: registry.modelGates(registry.factors(openness: openness)), wantsGateGradients: true)
    let (check, number) = (Self.check, progress.step + 1)
    var loss = 0.0
    var gradient = [Float](repeating: 0, count: registry.scales.count)
    for own in batches.passes {
      let result = try pass.run(
        own, objective: settings.objective, hiddenWeight: settings.hiddenWeight, targets: batches.targets,
        student: student,
        keepsActivations: keepsActivations, context: context(ofStep: number))
      loss += result.value
      for (index, value) in registry.flat(result.gateGradients).enumerated() { gradient[index] += value }
    }
    loss = try communicator.sum(of: loss)
    try check.requireFinite(loss, "the loss", step: number)
    let registry = registry
    hooks.gradient(gradient)
    try exchange.sum(&gradient, step: progress.step, place: registry.unitName)
    return (loss, gradient)
  }

  private func context(ofStep step: Int) -> Overflow.Context {
    Overflow.Context(place: Self.check.place(ofStep: step), remedy: Self.check.remedy)
  }

  /// Which gates are open, `[gate]`.
  private func openness(_ function: GateFunction, target: Double) throws -> [Float] {
    if settings.budget == .rank { return registry.openness(try plan(target)) }
    return registry.logits.map { function.openness($0) }
  }

  /// The plan that the gates' ranks make at exactly a sparsity. Between the pools they share as the open gates do, unless
  /// the budget was held by rank under the run document's γ.
  func plan(_ target: Double) throws -> PruningPlan {
    let table = registry.scoreTable(metadata: scores.metadata)
    guard settings.budget != .rank, settings.isHard, progress.step > 0 else {
      return try hooks.allocate(table, target, nil)
    }
    let open = registry.shares(openness: registry.logits.map { $0 >= 0 ? 1 : 0 })
    return try hooks.allocate(table, target, open.gamma)
  }

  /// Ends a stage: judges the plan, and stops a schedule whose last stage pruned too much.
  private func finish(_ stage: Int, target: Double) throws -> Double? {
    // At the sparsity that was asked for, the one-shot plan is to be beaten too.
    let isFirstAtEnd = target == scheduler.sparsity && progress.best.map { $0.target < target } ?? false
    if isFirstAtEnd, hooks.validate != nil { try judgeOneShot(target: target) }
    let perplexity = try judge(try plan(target), of: registry, target: target, round: stage)
    // A stage that holds the sparsity may still make up for one that pruned too much; a rise may not.
    let wasRise = progress.best.map { $0.target < target } ?? false
    let isRising = stage + 1 < scheduler.stages && scheduler.target(ofStage: stage + 1) > target
    if isTooMuch(perplexity), wasRise || isRising { progress.isStopped = true }
    return perplexity
  }

  /// Whether a plan's perplexity is beyond `stopAt`.
  private func isTooMuch(_ perplexity: Double?) -> Bool {
    guard let perplexity, let stopAt = settings.stopAt, let dense = progress.dense else { return false }
    return perplexity > stopAt * dense
  }

  /// Measures the plan at a sparsity and keeps it when it is the best there: a higher target always replaces a lower one,
  /// unless it pruned too much.
  private func judge(
    _ plan: PruningPlan, of registry: GateRegistry, target: Double, round: Int?
  ) throws -> Double? {
    let factors = registry.factors(plan)
    let perplexity = try hooks.validate?(
      registry.modelGates(factors), progress.step == 0 ? .plan : context(ofStep: progress.step))
    // An infinite one is no more than a bad one.
    if let perplexity, perplexity.isNaN {
      try Self.check.requireFinite(perplexity, "validation perplexity", step: progress.step)
    }
    let isBetter =
      progress.best.map { best in
        if target > best.target { return !isTooMuch(perplexity) }
        guard let perplexity, let other = best.perplexity else { return true }
        return perplexity < other
      } ?? true
    if isBetter {
      progress.best = TuningProgress.Candidate(
        plan: plan, factors: factors, logits: registry.logits, target: target, perplexity: perplexity, round: round)
    }
    if let round {
      let steps = scheduler.steps(ofStage: round)
      progress.rounds.append(
        TuningRound(
          target: target, sparsity: plan.achievedSparsity, steps: steps.count,
          loss: progress.stageLoss / Double(max(1, steps.count)), validationPerplexity: perplexity))
    }
    return perplexity
  }
}
