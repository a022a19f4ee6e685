extension RunDocument {
  /// `calibration`: the sequences that gradients and activations are taken on.
  public struct CalibrationSection: Sendable, Equatable {
    /// Text files (.txt .jsonl .json, also .gz or .zst), or .safetensors with `input_ids`. Default: none.
    public internal(set) var text: [String] = []
    /// Sequences over all ranks, 1 or more. Default: 32.
    public internal(set) var sequences = 32
    /// Tokens of a sequence, 2 or more. Default: 128.
    public internal(set) var length = 128
    /// Seed of the choice of sequences. Default: 0.
    public internal(set) var seed: UInt64 = 0
    /// Whether the tokenizer adds its special tokens. Default: false.
    public internal(set) var specialTokens = false
  }

  /// `selection`: which of several candidate texts units are scored on.
  public struct SelectionSection: Sendable, Equatable {
    /// Candidates per text, 1 or more, of the calibration's seed and the seeds after it. Default: 1.
    public internal(set) var seeds = 1
    /// Texts that are candidates beside the calibration's. Default: none.
    public internal(set) var texts: [String] = []
    /// The text that candidates are compared on; `nil`: sequences of the calibration's that no candidate has.
    public internal(set) var heldOut: String?
    /// Held-out sequences over all ranks, 1 or more. Default: 128.
    public internal(set) var sequences = 128
    /// Tokens of a held-out sequence, 2 or more. Default: 64.
    public internal(set) var length = 64
  }

  /// `scoring`: the number that says what a unit is worth.
  public struct ScoringSection: Sendable, Equatable {
    /// The criterion. Default: ntk.
    public internal(set) var criterion = ScoringCriterion.ntk
    /// The scalar that is differentiated. Default: max-logit, and loss for the criterion taylor.
    public internal(set) var objective = ScoringObjective.maxLogit
    /// How sequences are joined. Default: signed.
    public internal(set) var accumulation = ScoreAccumulation.signed
    /// Seed of the criterion random. Default: 0.
    public internal(set) var seed: UInt64 = 0
    /// How the gradients of signed accumulation travel. Default: none, as they are.
    public internal(set) var exchange = ScoringExchange.none
  }

  /// `allocation`: from scores to the units that stay.
  public struct AllocationSection: Sendable, Equatable {
    /// Whether layers compete. Default: global.
    public internal(set) var method = AllocationMethod.global
    /// The share s of the prunable parameters to remove, 0 ≤ s < 1. Default: 0.3.
    public internal(set) var sparsity = 0.3
    /// γ, the MLP-to-attention ratio, above 0; `nil` (`auto`) is the model's own ratio. Not for depth. Default: auto.
    public internal(set) var gamma: Double?
    /// Kept neurons of a layer are a multiple of this, 1 or more; depth keeps all or none. Default: 8.
    public internal(set) var roundTo = 8
  }

  /// `evaluation`: perplexity before and after.
  public struct EvaluationSection: Sendable, Equatable {
    /// The text; `nil`: no perplexity is measured. Default: none.
    public internal(set) var text: String?
    /// Tokens of a window, 2 or more. Default: 1024.
    public internal(set) var window = 1024
    /// Tokens from one window's start to the next's, 1 to ``window``. Default: ``window``.
    public internal(set) var stride = 1024
    /// How many windows to measure, 1 or more; `nil`: all. A text with fewer is an error.
    public internal(set) var limit: Int?
    /// Whether the tokenizer adds its special tokens. Default: false.
    public internal(set) var specialTokens = false
  }

  /// `repacking`: the files of the pruned model.
  public struct RepackingSection: Sendable, Equatable {
    /// How layers of different shapes are described. Default: auto.
    public internal(set) var layout = RepackingLayout.auto
    /// The most bytes of one safetensors file, 1 or more. Default: 5 GB.
    public internal(set) var shardSize = ByteSize(bytes: 5_000_000_000)
  }

  /// `resources`: what each rank may use.
  public struct ResourcesSection: Sendable, Equatable {
    /// Threads per rank, 1 or more; `nil` (`auto`): the node's cores divided by its ranks. Default: auto.
    public internal(set) var threads: Int?
    /// Memory per rank, above which activations go to a file; `nil`: no limit. Default: none.
    public internal(set) var memoryLimit: ByteSize?
    /// Where a rank takes layers from that it does not own. Default: auto.
    public internal(set) var weights = WeightSource.auto
    /// What computes. Default: cpu.
    public internal(set) var backend = BackendName.cpu
    /// What products with weights multiply. Default: auto.
    public internal(set) var compute = ComputeType.auto
    /// Whether a layer's inside is computed again in the backward pass. Default: auto.
    public internal(set) var recompute = RecomputeChoice.auto
    /// Tokens per forward pass, 1 or more; `nil` (`auto`): chosen by the memory. Default: auto.
    public internal(set) var microbatch: Int?
    /// Seconds that scoring goes on at least between two states to resume from, 0 or more; 0: after every layer.
    /// Default: 60.
    public internal(set) var saveInterval = 60.0
    /// Seconds after which a rank that is not heard of, or gets nothing done, ends the job, 1 or more; `nil` (`off`): never.
    /// Default: 600.
    public internal(set) var watchdog: Int? = 600
    /// Seconds after a signal that asks the run to save and to leave, after which it is ended without more, 1 or more.
    /// Default: 60.
    public internal(set) var stopWithin = 60
  }
}
