public import Optimization
public import Transformers

/// How gates are tuned; the defaults are the run document's.
public struct TuningSettings: Sendable {
  public var objective: TrainingLoss
  /// Of the hidden states' distance to the teacher's; 0 for none.
  public var hiddenWeight: Float
  /// Whether gates are open or closed in the forward pass, not in between.
  public var isHard: Bool
  public var granularity: GateGranularity
  /// α and β of DESIGN §1.
  public var attentionWeight: Double
  public var mlpWeight: Double
  public var budget: BudgetControl
  public var budgetWeight: Double
  /// Of the logits.
  public var learningRate: LearningRate
  /// Of the scales; 0 leaves them at 1.
  public var scaleLearningRate: LearningRate
  /// The longest gradient; nil does not clip.
  public var clip: Double?
  /// Validation perplexity over the dense model's from which on the sparsity rises no further; nil: never.
  public var stopAt: Double?
  /// Steps between saved states; 0: none.
  public var saveEvery: Int

  public init(
    objective: TrainingLoss, hiddenWeight: Float = 0, isHard: Bool, granularity: GateGranularity,
    attentionWeight: Double,
    mlpWeight: Double, budget: BudgetControl, budgetWeight: Double, learningRate: LearningRate,
    scaleLearningRate: LearningRate, clip: Double?, stopAt: Double?, saveEvery: Int
  ) {
    self.objective = objective
    self.hiddenWeight = hiddenWeight
    self.isHard = isHard
    self.granularity = granularity
    self.attentionWeight = attentionWeight
    self.mlpWeight = mlpWeight
    self.budget = budget
    self.budgetWeight = budgetWeight
    self.learningRate = learningRate
    self.scaleLearningRate = scaleLearningRate
    self.clip = clip
    self.stopAt = stopAt
    self.saveEvery = saveEvery
  }
}
