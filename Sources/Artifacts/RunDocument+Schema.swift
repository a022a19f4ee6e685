extension RunDocument {
  /// Every key of the document, in the documented order: the one place that names them.
  static let schema: [RunField] =
    topLevel + calibrationKeys + selectionKeys + scoringKeys + allocationKeys + generationKeys + tuningKeys
    + recoveryKeys + exchangeKeys + evaluationKeys + repackingKeys + resourcesKeys

  /// What a file of text may be called.
  static let textFile = "a file: .txt .jsonl .json (.gz .zst) or .safetensors"

  /// The sections in order, each with its one-line meaning.
  static let sections: [(name: String, explanation: String)] = [
    ("calibration", "the text that units are scored on"),
    ("selection", "which candidate text units are scored on"),
    ("scoring", "what a unit is worth"),
    ("allocation", "how many units go, and where"),
    ("generation", "the training text that the dense model writes itself (verb generate)"),
    ("tuning", "the gates that learn which units stay"),
    ("recovery", "the low-rank training of what is left (LoRA)"),
    ("exchange", "how gradients travel between ranks"),
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
      "auto: native when all layers end with one shape that stock classes load"),
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
      "resources.compute", \.resources.compute, .choice, default: "auto", changes: .scores,
      "numbers in products with weights; auto: bf16 where checkpoint and processor have it"),
    RunField(
      "resources.recompute", \.resources.recompute, .choice, default: "auto", changes: nil,
      "compute layers again in backward passes; auto: those that memory has no room for"),
    RunField(
      "resources.microbatch", \.resources.microbatch, .optional(.count(), or: "auto"), default: "auto", changes: nil,
      "tokens per forward pass"),
    RunField(
      "resources.save-interval", \.resources.saveInterval, .notNegative, default: "60", changes: nil,
      "seconds between states of scoring to resume from; 0: after every layer"),
    RunField(
      "resources.watchdog", \.resources.watchdog, .optional(.count(), or: "off"), default: "600", changes: nil,
      "seconds after which a silent or stuck rank ends the job"),
    RunField(
      "resources.stop-within", \.resources.stopWithin, .count(), default: "60", changes: nil,
      "seconds after a signal within which a run has saved and left; then it is ended"),
  ]
}
