public import Artifacts
public import Transformers

/// One stage of the schedule, when it is over.
public struct TuningRound: Sendable, Equatable, Codable {
  public var target: Double
  /// Of the plan at the stage's end.
  public var sparsity: Double
  public var steps: Int
  /// Mean over the steps.
  public var loss: Double
  public var validationPerplexity: Double?
}

/// How far a tuner is.
struct TuningProgress: Sendable, Equatable {
  /// A plan with its gates, judged.
  struct Candidate: Sendable, Equatable {
    var plan: PruningPlan
    /// `[unit]`
    var factors: [Float]
    /// `[gate]`
    var logits: [Float]
    var target: Double
    var perplexity: Double?
    /// The stage after which it was judged; nil for the one-shot plan.
    var round: Int?
  }

  /// Steps done.
  var step = 0
  var tokens = 0
  /// Sum over the steps of the present stage.
  var stageLoss = 0.0
  /// The dense model's validation perplexity.
  var dense: Double?
  var best: Candidate?
  var rounds: [TuningRound] = []
  /// Whether a stage pruned too much.
  var isStopped = false
}

/// What tuning came to.
public struct TuningOutcome: Sendable {
  public let plan: PruningPlan
  /// Factors of the dense model's units as they are folded into its weights: 0 for removed ones.
  public let factors: ModelGates
  /// The gates' values by unit, for gates.safetensors.
  public let values: [GateValues.Layer]
  public let rounds: [TuningRound]
  /// The stage whose plan it is; nil for the one-shot plan.
  public let keptRound: Int?
  public let validationPerplexity: Double?
  public let denseValidationPerplexity: Double?
  /// Tokens that all ranks trained on.
  public let tokens: Int

  init(best: TuningProgress.Candidate, registry: GateRegistry, progress: TuningProgress) {
    plan = best.plan
    factors = registry.modelGates(best.factors)
    var registry = registry
    registry.logits = best.logits
    let logits = registry.table(of: registry.unitLogits)
    let table = registry.table(of: best.factors)
    values = zip(logits, table).map { logits, factors in
      GateValues.Layer(
        attention: GateValues.Pool(logits: logits.attention, factors: factors.attention),
        mlp: GateValues.Pool(logits: logits.mlp, factors: factors.mlp))
    }
    rounds = progress.rounds
    keptRound = best.round
    validationPerplexity = best.perplexity
    denseValidationPerplexity = progress.dense
    tokens = progress.tokens
  }
}
