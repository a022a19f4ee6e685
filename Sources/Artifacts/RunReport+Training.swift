extension RunReport {
  /// One training stage of the run, gate tuning or recovery; its steps are the lines of metrics.jsonl.
  public struct Training: Codable, Sendable, Equatable {
    /// `tune` or `recover`, as ``TrainingStep/stage``.
    public var stage: String
    /// Optimizer steps.
    public var steps: Int
    /// Tokens that all ranks trained on.
    public var tokens: Int
    /// Seconds of the slowest rank.
    public var seconds: Double
    /// How gradients travelled: `exact`, `bf16`, `int8` or `none`.
    public var codec: String
    /// Bytes of gradients that all ranks sent.
    public var sentBytes: Int
    /// What the same exchange would have sent uncompressed.
    public var uncompressedBytes: Int
    /// The scheduler's stages in order; empty where there is no schedule.
    public var rounds: [Round]

    /// What a training stage did.
    public init(
      stage: String, steps: Int, tokens: Int, seconds: Double, codec: String, sentBytes: Int, uncompressedBytes: Int,
      rounds: [Round]
    ) {
      self.stage = stage
      self.steps = steps
      self.tokens = tokens
      self.seconds = seconds
      self.codec = codec
      self.sentBytes = sentBytes
      self.uncompressedBytes = uncompressedBytes
      self.rounds = rounds
    }

    /// ``stage`` of gate tuning.
    public static let tuning = "tune"
    /// ``stage`` of recovery.
    public static let recovery = "recover"

    /// Uncompressed bytes over sent ones; `nil` where nothing was sent.
    public var compressionRatio: Double? { sentBytes > 0 ? Double(uncompressedBytes) / Double(sentBytes) : nil }

    private enum CodingKeys: String, CodingKey {
      case stage, steps, tokens, seconds, codec
      case sentBytes = "sent_bytes"
      case uncompressedBytes = "uncompressed_bytes"
      case rounds
    }
  }

  /// One stage of the pruning scheduler, as it ended.
  public struct Round: Codable, Sendable, Equatable {
    /// The share of prunable parameters to be closed, 0 to 1; `nil` where there is no target.
    public var targetSparsity: Double?
    /// The share that was closed.
    public var sparsity: Double?
    /// Optimizer steps of the round.
    public var steps: Int
    /// The last step's loss.
    public var loss: Double
    /// Perplexity on held-out text after the round; `nil` where none was measured.
    public var validationPerplexity: Double?
    /// Whether the run went on with this round's result.
    public var isKept: Bool

    /// How a round ended.
    public init(
      targetSparsity: Double?, sparsity: Double?, steps: Int, loss: Double, validationPerplexity: Double?, isKept: Bool
    ) {
      self.targetSparsity = targetSparsity
      self.sparsity = sparsity
      self.steps = steps
      self.loss = loss
      self.validationPerplexity = validationPerplexity
      self.isKept = isKept
    }

    private enum CodingKeys: String, CodingKey {
      case targetSparsity = "target_sparsity"
      case sparsity, steps, loss
      case validationPerplexity = "validation_perplexity"
      case isKept = "is_kept"
    }
  }

  /// A perplexity and what it is of.
  public struct Measured: Codable, Sendable, Equatable {
    /// `dense`, `one-shot`, `gates` or `gates + LoRA`.
    public var name: String
    /// The perplexity.
    public var value: Double

    /// ``name`` of the model before anything was cut.
    public static let dense = "dense"

    /// The perplexity `value` of `name`.
    public init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// Text that the model wrote.
  public struct Generated: Codable, Sendable, Equatable {
    /// Its file.
    public var path: String
    /// How many sequences there are.
    public var sequences: Int
    /// Tokens of each, with the prompt.
    public var length: Int
    /// Tokens of the prompt that each starts with.
    public var prompt: Int

    /// `sequences` sequences in the file at `path`.
    public init(path: String, sequences: Int, length: Int, prompt: Int) {
      self.path = path
      self.sequences = sequences
      self.length = length
      self.prompt = prompt
    }
  }

  /// One calibration set that was tried.
  public struct Candidate: Codable, Sendable, Equatable {
    /// What tables call it.
    public var name: String
    /// The seed that chose its sequences.
    public var seed: UInt64
    /// The text it was drawn from.
    public var text: String
    /// KL(dense ‖ pruned) on held-out text, mean over tokens, in nats.
    public var divergence: Double
    /// Whether the run's scores are from it.
    public var isChosen: Bool

    /// A candidate and what came of it.
    public init(name: String, seed: UInt64, text: String, divergence: Double, isChosen: Bool) {
      self.name = name
      self.seed = seed
      self.text = text
      self.divergence = divergence
      self.isChosen = isChosen
    }

    private enum CodingKeys: String, CodingKey {
      case name, seed, text, divergence
      case isChosen = "is_chosen"
    }
  }
}
