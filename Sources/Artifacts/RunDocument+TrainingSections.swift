extension RunDocument {
  /// `generation`: text that the dense model writes, for tuning and recovery to read.
  public struct GenerationSection: Sendable, Equatable {
    /// Sequences over all ranks; 0: none. Default: 0.
    public internal(set) var sequences = 0
    /// Tokens of a sequence with its prompt, 2 or more. Default: 512.
    public internal(set) var length = 512
    /// Texts that prompts are of; none stands for the calibration's, see ``RunDocument/generationText``. Default: none.
    public internal(set) var text: [String] = []
    /// Tokens of text that each sequence starts with, 1 to below ``length``. Default: 16.
    public internal(set) var prompt = 16
    /// What logits are divided by before a token is drawn, above 0. Default: 1.
    public internal(set) var temperature = 1.0
    /// Seed of the choice of prompts and of what is drawn. Default: 0.
    public internal(set) var seed: UInt64 = 0
  }

  /// `tuning`: the gates that learn which units stay, starting from the allocation.
  public struct TuningSection: Sendable, Equatable {
    /// Optimizer steps over all stages; 0: gates are not tuned. Default: 0.
    public internal(set) var steps = 0
    /// Texts as those of ``CalibrationSection``; none stands for them, see ``RunDocument/tuningText``. Default: none.
    public internal(set) var text: [String] = []
    /// Tokens of a sequence, 2 or more. Default: 256.
    public internal(set) var length = 256
    /// Sequences of the text that are used, with those held out, 1 or more: more steps take them again; `nil`: as many as
    /// all steps take. Default: none.
    public internal(set) var sequences: Int?
    /// Sequences of a pass over all ranks, 1 or more. Default: 2.
    public internal(set) var batch = 2
    /// Passes whose gradients are added before an optimizer step, 1 or more. Default: 1.
    public internal(set) var accumulation = 1
    /// Seed of the order of sequences. Default: 0.
    public internal(set) var seed: UInt64 = 0
    /// The task's part of the objective. Default: distillation.
    public internal(set) var objective = TrainingObjective.distillation
    /// Temperature of distillation, above 0. Default: 1.
    public internal(set) var temperature = 1.0
    /// Weight of the hidden states' distance beside distillation, 0 or more. Default: 0.
    public internal(set) var hiddenWeight = 0.0
    /// What the forward pass makes of a gate. Default: hard.
    public internal(set) var mask = TuningMask.hard
    /// What one gate opens. Default: unit.
    public internal(set) var granularity = TuningGranularity.unit
    /// Neurons of a gate of the granularity block, 1 or more. Default: 64.
    public internal(set) var block = 64
    /// τ of mask = sigmoid(z/τ) at the first step, above 0. Default: 1.
    public internal(set) var tau = 1.0
    /// τ at the last step, above 0. Default: 1.
    public internal(set) var tauEnd = 1.0
    /// α, the price of the open share of attention, 0 or more. Default: 0.
    public internal(set) var attentionWeight = 0.0
    /// β, the price of the open share of the MLPs, 0 or more. Default: 0.
    public internal(set) var mlpWeight = 0.0
    /// What holds the sparsity while gates are tuned; at the end it is met exactly in any case. Default: penalty.
    public internal(set) var budget = TuningBudget.penalty
    /// Weight of what holds it, 0 or more. Default: 100.
    public internal(set) var budgetWeight = 100.0
    /// Adam's learning rate of the gates, above 0. Default: 0.1.
    public internal(set) var learningRate = 0.1
    /// Adam's learning rate of the kept units' scales, 0 or more. Default: 0.05.
    public internal(set) var scaleLearningRate = 0.05
    /// Steps in which the learning rate rises. Default: 5.
    public internal(set) var warmUp = 5
    /// How the learning rate goes on after that. Default: cosine.
    public internal(set) var decay = TuningDecay.cosine
    /// The longest gradient (its Euclidean norm), above 0; `nil`: any. Default: 1.
    public internal(set) var clip: Double? = 1
    /// Stages in which the sparsity rises, 1 or more. Default: 1.
    public internal(set) var stages = 1
    /// How it rises. Default: one-shot.
    public internal(set) var schedule = TuningSchedule.oneShot
    /// Whether units are scored again before each further stage. Default: false.
    public internal(set) var rescore = false
    /// Held-out sequences that stages are compared on; 0: none. Default: 16.
    public internal(set) var validation = 16
    /// The sparsity rises no further once validation perplexity is so many times the dense model's, above 1; `nil`: it
    /// always rises to the end. Default: none.
    public internal(set) var stopAt: Double?
    /// Steps between states to resume from; 0: none are saved. Default: 20.
    public internal(set) var saveEvery = 20
  }

  /// `recovery`: LoRA training of what is left, merged before it is written.
  public struct RecoverySection: Sendable, Equatable {
    /// Optimizer steps; 0: no recovery. Default: 0.
    public internal(set) var steps = 0
    /// Texts or instructions; none stands for the tuning's, see ``RunDocument/recoveryText``. Default: none.
    public internal(set) var text: [String] = []
    /// Tokens of a sequence at most, 2 or more. Default: 256.
    public internal(set) var length = 256
    /// As ``TuningSection/sequences``. Default: none.
    public internal(set) var sequences: Int?
    /// Sequences of a pass over all ranks, 1 or more. Default: 4.
    public internal(set) var batch = 4
    /// Passes whose gradients are added before an optimizer step, 1 or more. Default: 1.
    public internal(set) var accumulation = 1
    /// Seed of the order of sequences, the first weights and the dropout. Default: 0.
    public internal(set) var seed: UInt64 = 0
    /// What is trained for. Default: distillation.
    public internal(set) var objective = TrainingObjective.distillation
    /// Temperature of distillation, above 0. Default: 1.
    public internal(set) var temperature = 1.0
    /// Weight of the hidden states' distance beside distillation, 0 or more. Default: 0.
    public internal(set) var hiddenWeight = 0.0
    /// The dense model's folder, for the verb `recover`; `nil`: the model that is pruned. Default: none.
    public internal(set) var teacher: String?
    /// The rank r of the added matrices, 1 or more. Default: 8.
    public internal(set) var rank = 8
    /// α, above 0: the added product is scaled by α / r. Default: 16.
    public internal(set) var alpha = 16.0
    /// The share of the added matrices' inputs dropped in training, 0 ≤ p < 1. Default: 0.
    public internal(set) var dropout = 0.0
    /// The projections that get added matrices: at least one, each once, in the order of ``RecoveryTarget``. Default: all.
    public internal(set) var targets = RecoveryTarget.allCases
    /// AdamW's learning rate at its highest, above 0. Default: 0.003.
    public internal(set) var learningRate = 0.003
    /// AdamW's weight decay, 0 or more. Default: 0.
    public internal(set) var weightDecay = 0.0
    /// Steps in which the learning rate rises. Default: 5.
    public internal(set) var warmUp = 5
    /// The longest gradient (its Euclidean norm), above 0; `nil`: any. Default: 1.
    public internal(set) var clip: Double? = 1
    /// Held-out sequences to measure on; 0: none. Default: 16.
    public internal(set) var validation = 16
    /// Steps between states to resume from; 0: none are saved. Default: 20.
    public internal(set) var saveEvery = 20
  }

  /// `exchange`: how the gradients of gates and added matrices travel between ranks.
  public struct ExchangeSection: Sendable, Equatable {
    /// Their codec. Default: exact.
    public internal(set) var codec = ExchangeCodec.exact
  }
}
