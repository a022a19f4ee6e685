/// The keys of what is trained after the one-shot plan, and on what: generation, tuning, recovery, and the exchange of their
/// gradients.
extension RunDocument {
  // They change no result of a document: a text that was written is named, and hashed, as any other text.
  static let generationKeys: [RunField] = [
    RunField(
      "generation.sequences", \.generation.sequences, .count(from: 0), default: "0", changes: nil,
      "sequences over all ranks; 0: none"),
    RunField(
      "generation.length", \.generation.length, .count(from: 2), default: "512", changes: nil,
      "tokens of a sequence, with its prompt"),
    RunField(
      "generation.text", \.generation.text, .paths(textFile), default: "[]", changes: nil,
      "text that prompts are of; none: calibration.text"),
    RunField(
      "generation.prompt", \.generation.prompt, .count(), default: "16", changes: nil,
      "tokens of text that each sequence starts with, below length"),
    RunField(
      "generation.temperature", \.generation.temperature, .positive, default: "1", changes: nil,
      "what logits are divided by before a token is drawn"),
    RunField(
      "generation.seed", \.generation.seed, .seed, default: "0", changes: nil,
      "seed of the choice of prompts and of what is drawn"),
  ]

  static let tuningKeys: [RunField] = [
    RunField(
      "tuning.steps", \.tuning.steps, .count(from: 0), default: "0", changes: .gates,
      "optimizer steps; 0: gates are not tuned"),
    RunField(
      "tuning.text", \.tuning.text, .paths(textFile), default: "[]", changes: .gates,
      "text to tune on; none: calibration.text"),
    RunField(
      "tuning.length", \.tuning.length, .count(from: 2), default: "256", changes: .gates,
      "tokens of a sequence"),
    RunField(
      "tuning.sequences", \.tuning.sequences, .optional(.count(), or: "null"), default: "null", changes: .gates,
      "sequences used, held-out ones too; more steps repeat them; null: no repeats while text lasts"),
    RunField(
      "tuning.batch", \.tuning.batch, .count(), default: "2", changes: .gates,
      "sequences of a pass over all ranks"),
    RunField(
      "tuning.accumulation", \.tuning.accumulation, .count(), default: "1", changes: .gates,
      "passes whose gradients are added before a step"),
    RunField(
      "tuning.seed", \.tuning.seed, .seed, default: "0", changes: .gates,
      "seed of the order of sequences"),
    RunField(
      "tuning.objective", \.tuning.objective, .choice, default: "distillation", changes: .gates,
      "agree with the dense model, or predict the text"),
    RunField(
      "tuning.temperature", \.tuning.temperature, .positive, default: "1", changes: .gates,
      "temperature of distillation"),
    RunField(
      "tuning.hidden-weight", \.tuning.hiddenWeight, .notNegative, default: "0", changes: .gates,
      "of hidden states' distance, beside distillation"),
    RunField(
      "tuning.mask", \.tuning.mask, .choice, default: "hard", changes: .gates,
      "hard: units below one half are off in the forward pass"),
    RunField(
      "tuning.granularity", \.tuning.granularity, .choice, default: "unit", changes: .gates,
      "what one gate opens; sublayer: with allocation.method: depth"),
    RunField(
      "tuning.block", \.tuning.block, .count(), default: "64", changes: .gates,
      "neurons of a gate of the granularity block, a multiple of allocation.round-to"),
    RunField(
      "tuning.tau", \.tuning.tau, .positive, default: "1", changes: .gates,
      "tau of the gates' sigmoid(z/tau)"),
    RunField(
      "tuning.tau-end", \.tuning.tauEnd, .positive, default: "1", changes: .gates,
      "the same at the last step"),
    RunField(
      "tuning.attention-weight", \.tuning.attentionWeight, .notNegative, default: "0", changes: .gates,
      "alpha, the price of attention's open share"),
    RunField(
      "tuning.mlp-weight", \.tuning.mlpWeight, .notNegative, default: "0", changes: .gates,
      "beta, the price of the MLPs' open share"),
    RunField(
      "tuning.budget", \.tuning.budget, .choice, default: "penalty", changes: .gates,
      "what holds the sparsity while gates are tuned"),
    RunField(
      "tuning.budget-weight", \.tuning.budgetWeight, .notNegative, default: "100", changes: .gates,
      "weight of what holds it"),
    RunField(
      "tuning.learning-rate", \.tuning.learningRate, .positive, default: "0.1", changes: .gates,
      "Adam's step for the gates"),
    RunField(
      "tuning.scale-learning-rate", \.tuning.scaleLearningRate, .notNegative, default: "0.05", changes: .gates,
      "Adam's step for the scales of kept units"),
    RunField(
      "tuning.warm-up", \.tuning.warmUp, .count(from: 0), default: "5", changes: .gates,
      "steps in which the learning rate rises"),
    RunField(
      "tuning.decay", \.tuning.decay, .choice, default: "cosine", changes: .gates,
      "how the learning rate falls after that"),
    RunField(
      "tuning.clip", \.tuning.clip, .optional(.positive, or: "null"), default: "1", changes: .gates,
      "longest gradient; null: any"),
    RunField(
      "tuning.stages", \.tuning.stages, .count(), default: "1", changes: .gates,
      "stages in which the sparsity rises"),
    RunField(
      "tuning.schedule", \.tuning.schedule, .choice, default: "one-shot", changes: .gates,
      "how the sparsity rises from stage to stage"),
    RunField(
      "tuning.rescore", \.tuning.rescore, .boolean, default: "false", changes: .gates,
      "score again before each further stage"),
    RunField(
      "tuning.validation", \.tuning.validation, .count(from: 0), default: "16", changes: .gates,
      "held-out sequences that stages are compared on; 0: none"),
    RunField(
      "tuning.stop-at", \.tuning.stopAt, .optional(.aboveOne, or: "null"), default: "null", changes: .gates,
      "stop raising the sparsity once validation perplexity is so many times the dense model's"),
    RunField(
      "tuning.save-every", \.tuning.saveEvery, .count(from: 0), default: "20", changes: nil,
      "steps between states to resume from; 0: none are saved"),
  ]

  static let recoveryKeys: [RunField] = [
    RunField(
      "recovery.steps", \.recovery.steps, .count(from: 0), default: "0", changes: .checkpoint,
      "optimizer steps; 0: no recovery"),
    RunField(
      "recovery.text", \.recovery.text, .paths(textFile), default: "[]", changes: .checkpoint,
      "text or instructions to train on; none: tuning's"),
    RunField(
      "recovery.length", \.recovery.length, .count(from: 2), default: "256", changes: .checkpoint,
      "tokens of a sequence, at most"),
    RunField(
      "recovery.sequences", \.recovery.sequences, .optional(.count(), or: "null"), default: "null",
      changes: .checkpoint,
      "sequences used, held-out ones too; more steps repeat them; null: no repeats while text lasts"),
    RunField(
      "recovery.batch", \.recovery.batch, .count(), default: "4", changes: .checkpoint,
      "sequences of a pass over all ranks"),
    RunField(
      "recovery.accumulation", \.recovery.accumulation, .count(), default: "1", changes: .checkpoint,
      "passes whose gradients are added before a step"),
    RunField(
      "recovery.seed", \.recovery.seed, .seed, default: "0", changes: .checkpoint,
      "seed of the order of sequences, first weights and dropout"),
    RunField(
      "recovery.objective", \.recovery.objective, .choice, default: "distillation", changes: .checkpoint,
      "agree with the dense model, or predict the text"),
    RunField(
      "recovery.temperature", \.recovery.temperature, .positive, default: "1", changes: .checkpoint,
      "temperature of distillation"),
    RunField(
      "recovery.hidden-weight", \.recovery.hiddenWeight, .notNegative, default: "0", changes: .checkpoint,
      "of hidden states' distance, beside distillation"),
    RunField(
      "recovery.teacher", \.recovery.teacher, .optional(.path("a Hugging Face folder"), or: "null"), default: "null",
      changes: .checkpoint,
      "the dense model, for the verb recover; null: the model that is pruned"),
    RunField(
      "recovery.rank", \.recovery.rank, .count(), default: "8", changes: .checkpoint,
      "rank r of the added matrices"),
    RunField(
      "recovery.alpha", \.recovery.alpha, .positive, default: "16", changes: .checkpoint,
      "they are scaled by alpha over r"),
    RunField(
      "recovery.dropout", \.recovery.dropout,
      .number(expected: "a number, 0 or more and below 1") { $0 >= 0 && $0 < 1 }, default: "0", changes: .checkpoint,
      "share of their inputs dropped in training"),
    RunField(
      "recovery.targets", \.recovery.targets, .choices(or: "all-linear"), default: "all-linear", changes: .checkpoint,
      "projections that get added matrices"),
    RunField(
      "recovery.learning-rate", \.recovery.learningRate, .positive, default: "0.003", changes: .checkpoint,
      "AdamW's step at its largest"),
    RunField(
      "recovery.weight-decay", \.recovery.weightDecay, .notNegative, default: "0", changes: .checkpoint,
      "AdamW's decay of the added matrices"),
    RunField(
      "recovery.warm-up", \.recovery.warmUp, .count(from: 0), default: "5", changes: .checkpoint,
      "steps in which the learning rate rises"),
    RunField(
      "recovery.clip", \.recovery.clip, .optional(.positive, or: "null"), default: "1", changes: .checkpoint,
      "longest gradient; null: any"),
    RunField(
      "recovery.validation", \.recovery.validation, .count(from: 0), default: "16", changes: .checkpoint,
      "held-out sequences to measure on; 0: none"),
    RunField(
      "recovery.save-every", \.recovery.saveEvery, .count(from: 0), default: "20", changes: nil,
      "steps between states to resume from; 0: none are saved"),
  ]

  static let exchangeKeys: [RunField] = [
    RunField(
      "exchange.codec", \.exchange.codec, .choice, default: "exact", changes: .gates,
      "bf16 and int8 round; auto: exact where it saves time")
  ]
}

extension RunValueType where Value == Double {
  /// A number above 0.
  fileprivate static var positive: RunValueType { number(expected: "a number above 0") { $0 > 0 } }

  /// A number of 0 or more.
  static var notNegative: RunValueType { number(expected: "a number, 0 or more") { $0 >= 0 } }

  /// A number above 1.
  fileprivate static var aboveOne: RunValueType { number(expected: "a number above 1") { $0 > 1 } }
}
