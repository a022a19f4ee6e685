/// The keys of what decides the one-shot plan: calibration, selection, scoring, allocation.
extension RunDocument {
  static let calibrationKeys: [RunField] = [
    RunField(
      "calibration.text", \.calibration.text, .paths(textFile), default: "[]", changes: .scores,
      "text, or tokens as input_ids"),
    RunField(
      "calibration.sequences", \.calibration.sequences, .count(), default: "32", changes: .scores,
      "sequences over all ranks"),
    RunField(
      "calibration.length", \.calibration.length, .count(from: 2), default: "128", changes: .scores,
      "tokens of a sequence"),
    RunField(
      "calibration.seed", \.calibration.seed, .seed, default: "0", changes: .scores,
      "seed of the choice of sequences"),
    RunField(
      "calibration.special-tokens", \.calibration.specialTokens, .boolean, default: "false", changes: .scores,
      "let the tokenizer add its special tokens"),
  ]

  static let selectionKeys: [RunField] = [
    RunField(
      "selection.seeds", \.selection.seeds, .count(), default: "1", changes: .scores,
      "candidates per text, of calibration.seed and the seeds after it; 1 of one text: no selection"),
    RunField(
      "selection.texts", \.selection.texts, .paths(textFile), default: "[]", changes: .scores,
      "further texts, each a candidate beside calibration.text"),
    RunField(
      "selection.held-out", \.selection.heldOut, .optional(.path(textFile), or: "null"), default: "null",
      changes: .scores,
      "text to compare candidates on; null: sequences of calibration.text that no candidate has"),
    RunField(
      "selection.sequences", \.selection.sequences, .count(), default: "128", changes: .scores,
      "held-out sequences over all ranks"),
    RunField(
      "selection.length", \.selection.length, .count(from: 2), default: "64", changes: .scores,
      "tokens of a held-out sequence"),
  ]

  static let scoringKeys: [RunField] = [
    RunField(
      "scoring.criterion", \.scoring.criterion, .choice, default: "ntk", changes: .scores,
      "how a unit is scored"),
    RunField(
      "scoring.objective", \.scoring.objective, .choice, default: "max-logit, taylor: loss", changes: .scores,
      "what is differentiated"),
    RunField(
      "scoring.accumulation", \.scoring.accumulation, .choice, default: "signed", changes: .scores,
      "absolute value after or before summing sequences"),
    RunField(
      "scoring.seed", \.scoring.seed, .seed, default: "0", changes: .scores,
      "seed of the criterion random"),
    RunField(
      "scoring.exchange", \.scoring.exchange, .choice, default: "none", changes: .scores,
      "codec of signed gradients on their way to a layer's owner"),
  ]

  static let allocationKeys: [RunField] = [
    RunField(
      "allocation.method", \.allocation.method, .choice, default: "global", changes: .plan,
      "layers compete, or lose the same share; depth: whole attention parts and MLPs go"),
    RunField(
      "allocation.sparsity", \.allocation.sparsity,
      .number(expected: "a number, 0 or more and below 1") { $0 >= 0 && $0 < 1 }, default: "0.3", changes: .plan,
      "share of the prunable parameters to remove"),
    RunField(
      "allocation.gamma", \.allocation.gamma,
      .optional(.number(expected: "a number above 0") { $0 > 0 }, or: "auto"), default: "auto", changes: .plan,
      "MLP-to-attention ratio; auto: the model's own"),
    RunField(
      "allocation.round-to", \.allocation.roundTo, .count(), default: "8", changes: .plan,
      "kept neurons are a multiple of this; depth keeps all or none"),
  ]
}
