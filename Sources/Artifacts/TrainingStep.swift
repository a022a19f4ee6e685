/// One optimizer step of gate tuning or recovery: a line of metrics.jsonl in the run folder.
///
/// Keys are snake_case; a key without a value is left out.
public struct TrainingStep: Codable, Sendable, Equatable {
  /// `tune` or `recover`.
  public var stage: String
  /// The step's number in its stage.
  public var step: Int
  /// The scheduler's stage that it belongs to, from 0.
  public var round: Int
  /// The objective over the tokens of all ranks, without what shares of open gates cost.
  public var loss: Double
  /// The norm of the whole gradient before clipping.
  public var gradientNorm: Double
  /// The optimizer's rate at this step.
  public var learningRate: Double
  /// The share of prunable parameters to be closed, 0 to 1; `nil` without a schedule.
  public var targetSparsity: Double?
  /// The share that is closed.
  public var sparsity: Double?
  /// The share of attention's prunable parameters that is open, 0 to 1.
  public var attentionOpen: Double?
  /// The share of the MLPs' prunable parameters that is open, 0 to 1.
  public var mlpOpen: Double?
  /// Perplexity on held-out text; only of steps that measured it.
  public var validationPerplexity: Double?
  /// Tokens that all ranks have trained on, this step's among them.
  public var tokens: Int
  /// Bytes that all ranks sent in this step.
  public var sentBytes: Int
  /// What the same exchange would have sent uncompressed.
  public var uncompressedBytes: Int
  /// Seconds of this step.
  public var seconds: Double

  /// What one step did.
  public init(
    stage: String, step: Int, round: Int, loss: Double, gradientNorm: Double, learningRate: Double,
    targetSparsity: Double? = nil, sparsity: Double? = nil, attentionOpen: Double? = nil, mlpOpen: Double? = nil,
    validationPerplexity: Double? = nil, tokens: Int, sentBytes: Int, uncompressedBytes: Int, seconds: Double
  ) {
    self.stage = stage
    self.step = step
    self.round = round
    self.loss = loss
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    self.targetSparsity = targetSparsity
    self.sparsity = sparsity
    self.attentionOpen = attentionOpen
    self.mlpOpen = mlpOpen
    self.validationPerplexity = validationPerplexity
    self.tokens = tokens
    self.sentBytes = sentBytes
    self.uncompressedBytes = uncompressedBytes
    self.seconds = seconds
  }

  private enum CodingKeys: String, CodingKey {
    case stage, step, round, loss
    case gradientNorm = "gradient_norm"
    case learningRate = "learning_rate"
    case targetSparsity = "target_sparsity"
    case sparsity
    case attentionOpen = "attention_open"
    case mlpOpen = "mlp_open"
    case validationPerplexity = "validation_perplexity"
    case tokens
    case sentBytes = "sent_bytes"
    case uncompressedBytes = "uncompressed_bytes"
    case seconds
  }
}
