extension RunReport {
  /// A model's folder and the hash of its weights.
  public struct Model: Codable, Sendable, Equatable {
    /// The folder, as the run document names it.
    public var path: String
    /// The hash that plan.json and scores.safetensors carry too.
    public var hash: String
    /// Whether Espalier had cut it, or changed it, before; `nil` for a model as others made it, and in older reports.
    public var isPruned: Bool?

    /// A model at `path` whose weights have `hash`.
    public init(path: String, hash: String) {
      self.path = path
      self.hash = hash
    }

    private enum CodingKeys: String, CodingKey {
      case path, hash
      case isPruned = "is_pruned"
    }
  }

  /// What computed.
  public struct Resources: Codable, Sendable, Equatable {
    /// The number of ranks.
    public var ranks: Int
    /// The names of the hosts, each once.
    public var hosts: [String]
    /// Threads per rank.
    public var threads: Int
    /// The backend's name.
    public var backend: String

    /// What `ranks` processes on `hosts` used.
    public init(ranks: Int, hosts: [String], threads: Int, backend: String) {
      self.ranks = ranks
      self.hosts = hosts
      self.threads = threads
      self.backend = backend
    }
  }

  /// Shares of the prunable parameters, 0 to 1.
  public struct Sparsity: Codable, Sendable, Equatable {
    /// What the document asked for.
    public var requested: Double
    /// What the plan removes.
    public var achieved: Double

    /// The share asked for and the share removed.
    public init(requested: Double, achieved: Double) {
      self.requested = requested
      self.achieved = achieved
    }
  }

  /// A number of the dense model, and of the pruned one where there is one.
  public struct Change<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    /// Of the dense model.
    public var before: Value
    /// Of the pruned model; `nil` without one.
    public var after: Value?

    /// A number before and, perhaps, after.
    public init(before: Value, after: Value? = nil) {
      self.before = before
      self.after = after
    }
  }

  /// Perplexity on one text.
  public struct Perplexity: Codable, Sendable, Equatable {
    /// Of ``RunReport/model``; `nil` when only what came of it was measured.
    public var before: Double?
    /// Of what came of it; `nil` when only ``RunReport/model`` was measured.
    public var after: Double?
    /// What ``after`` was measured of: the output, or what a plan, with gates, leaves; `nil` in older reports.
    public var of: Artifacts?
    /// The name of the text.
    public var text: String
    /// Tokens of a window.
    public var window: Int
    /// The windows that were measured.
    public var windows: Int
    /// The tokens that were predicted.
    public var tokens: Int

    /// What was measured on `text`.
    public init(before: Double?, after: Double?, text: String, window: Int, windows: Int, tokens: Int) {
      self.before = before
      self.after = after
      self.text = text
      self.window = window
      self.windows = windows
      self.tokens = tokens
    }
  }

  /// The units of one layer, kept and before pruning.
  public struct Layer: Codable, Sendable, Equatable {
    /// Attention units (key-value heads with their query heads).
    public var attention: Kept
    /// MLP units (neurons).
    public var mlp: Kept

    /// The units of one layer.
    public init(attention: Kept, mlp: Kept) {
      self.attention = attention
      self.mlp = mlp
    }
  }

  /// A count of units.
  public struct Kept: Codable, Sendable, Equatable {
    /// Units that stay.
    public var kept: Int
    /// Units of the dense model.
    public var total: Int

    /// `kept` units of `total`.
    public init(kept: Int, total: Int) {
      self.kept = kept
      self.total = total
    }
  }
}
