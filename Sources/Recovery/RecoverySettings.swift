public import Blueprints
public import Optimization
public import Transformers

/// How a pruned model is trained to recover; the defaults are the run document's.
public struct RecoverySettings: Sendable {
  public var objective: TrainingLoss
  /// Of the hidden states' distance to the teacher's; 0 for none.
  public var hiddenWeight: Float
  /// r of LoRA.
  public var rank: Int
  /// α of LoRA: the update is scaled by α / r.
  public var alpha: Float
  /// Probability that a number of an adapter's input is left out.
  public var dropout: Float
  /// The weights that get an adapter.
  public var targets: Set<TensorPart>
  public var learningRate: LearningRate
  public var weightDecay: Float
  /// The longest gradient; nil does not clip.
  public var clip: Double?
  /// Of the adapters' first values and of dropout.
  public var seed: UInt64
  public var steps: Int
  /// Steps between saved states; 0: none.
  public var saveEvery: Int

  public init(
    objective: TrainingLoss, hiddenWeight: Float = 0, rank: Int, alpha: Float, dropout: Float, targets: Set<TensorPart>,
    learningRate: LearningRate, weightDecay: Float, clip: Double?, seed: UInt64, steps: Int, saveEvery: Int
  ) {
    self.objective = objective
    self.hiddenWeight = hiddenWeight
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.targets = targets
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clip = clip
    self.seed = seed
    self.steps = steps
    self.saveEvery = saveEvery
  }
}
