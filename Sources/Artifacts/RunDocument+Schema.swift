extension RunDocument {
  /// Every key of the document, in the documented order: the one place that names them.
  static let schema: [RunField] =
    topLevel + calibrationKeys + scoringKeys + allocationKeys + evaluationKeys
    + repackingKeys + resourcesKeys

  /// The sections in order, each with its one-line meaning.
  static let sections: [(name: String, explanation: String)] = [
    ("calibration", "the text that units are scored on"),
    ("scoring", "what a unit is worth"),
    ("allocation", "how many units go, and where"),
    ("evaluation", "the text that perplexity is measured on, before and after"),
    ("repacking", "the files of the pruned model"),
    ("resources", "what each rank may use"),
  ]

  private static let topLevel: [RunField] = [
    RunField(
      "model", \.model, .path("a Hugging Face folder"), default: "required", changes: .scores,
      "model to prune"),
    RunField(
      "output", \.output, .path("a folder"), default: "MODEL-pruned", changes: nil,
      "folder that the pruned model is written to"),
    RunField(
      "run-folder", \.runFolder, .path("a folder"), default: "OUTPUT.run", changes: nil,
      "folder of run.yaml, scores, plan and report"),
    RunField(
      "overwrite", \.overwrite, .boolean, default: "false", changes: nil,
      "replace an existing output"),
  ]

  private static let textFile = "a file: .txt .jsonl .json (.gz .zst) or .safetensors"

  private static let calibrationKeys: [RunField] = [
    RunField(
      "calibration.text", \.calibration.text, .paths(textFile), default: "[]", changes: .scores,
      "text, or tokens as input_ids"),
    RunField(
      "calibration.sequences", \.calibration.sequences, .count(), default: "32", changes: .scores,
      "sequences over all ranks"),
    RunField(
      "calibration.length", \.calibration.length, .count(), default: "128", changes: .scores,
      "tokens of a sequence"),
    RunField(
      "calibration.seed", \.calibration.seed, .seed, default: "0", changes: .scores,
      "seed of the choice of sequences"),
    RunField(
      "calibration.special-tokens", \.calibration.specialTokens, .boolean, default: "false", changes: .scores,
      "let the tokenizer add its special tokens"),
  ]

  private static let scoringKeys: [RunField] = [
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
  ]

  private static let allocationKeys: [RunField] = [
    RunField(
      "allocation.method", \.allocation.method, .choice, default: "global", changes: .plan,
      "layers compete, or lose the same share"),
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
      "kept neurons are a multiple of this"),
  ]

  private static let evaluationKeys: [RunField] = [
    RunField(
      "evaluation.text", \.evaluation.text, .optional(.path(textFile), or: "null"), default: "null", changes: .report,
      "text; without it no perplexity is measured"),
    RunField(
      "evaluation.window", \.evaluation.window, .count(from: 2), default: "1024", changes: .report,
      "tokens of a window"),
    RunField(
      "evaluation.stride", \.evaluation.stride, .count(), default: "WINDOW", changes: .report,
      "tokens from window to window, at most window"),
    RunField(
      "evaluation.limit", \.evaluation.limit, .optional(.count(), or: "null"), default: "null", changes: .report,
      "windows to measure; null: all"),
    RunField(
      "evaluation.special-tokens", \.evaluation.specialTokens, .boolean, default: "false", changes: .report,
      "let the tokenizer add its special tokens"),
  ]

  private static let repackingKeys: [RunField] = [
    RunField(
      "repacking.layout", \.repacking.layout, .choice, default: "auto", changes: .checkpoint,
      "auto: native when all layers end with one shape"),
    RunField(
      "repacking.shard-size", \.repacking.shardSize, .byteSize, default: "5GB", changes: .checkpoint,
      "most bytes of one safetensors file"),
  ]

  private static let resourcesKeys: [RunField] = [
    RunField(
      "resources.threads", \.resources.threads, .optional(.count(), or: "auto"), default: "auto", changes: nil,
      "threads per rank"),
    RunField(
      "resources.memory-limit", \.resources.memoryLimit, .optional(.byteSize, or: "null"), default: "null",
      changes: nil,
      "memory per rank before activations go to a file"),
    RunField(
      "resources.weights", \.resources.weights, .choice, default: "auto", changes: nil,
      "where a rank takes the layers of others from"),
    RunField(
      "resources.backend", \.resources.backend, .choice, default: "cpu", changes: .scores,
      "what computes; reference is slow and plain"),
    RunField(
      "resources.microbatch", \.resources.microbatch, .optional(.count(), or: "auto"), default: "auto", changes: nil,
      "tokens per forward pass"),
  ]
}
