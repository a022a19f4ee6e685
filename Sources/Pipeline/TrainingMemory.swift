internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import Transformers

/// What a rank that trains beside frozen weights keeps in memory: the weights from step to step, as they are multiplied,
/// and the inside of every layer from the forward to the backward sweep. What does not fit is loaded, or computed, again.
struct TrainingMemory {
  /// What a stage trains, and on how much text at a time.
  struct Workload {
    /// Those whose weights are needed in every step; the first is trained.
    var models: [ModelShape]
    /// Tokens of this rank in a pass, in its largest batch, and in its longest sequence.
    var tokens: Int
    var batchTokens: Int
    var longest: Int
    /// Whether a teacher's stream runs beside the student's, and whether its states after every layer are compared.
    var isDistilled: Bool
    var comparesStates: Bool
    /// Whether factors multiply the units.
    var isGated: Bool
    /// Numbers that are trained beside the weights.
    var trained: Int

    /// A stage's passes over its text.
    init(
      _ models: [Model], text: TrainingText, batchTokens: Int, ranks: Int, isDistilled: Bool, comparesStates: Bool,
      isGated: Bool = false, trained: Int = 0
    ) {
      self.init(
        models.map(\.shape), tokens: text.tokensPerPass(ranks: ranks), longest: text.longest, batchTokens: batchTokens,
        isDistilled: isDistilled, comparesStates: comparesStates, isGated: isGated, trained: trained)
    }

    /// Passes of `tokens` tokens of a rank.
    init(
      _ models: [ModelShape], tokens: Int, longest: Int, batchTokens: Int, isDistilled: Bool, comparesStates: Bool,
      isGated: Bool, trained: Int
    ) {
      self.models = models
      self.tokens = tokens
      self.longest = longest
      self.batchTokens = max(longest, min(batchTokens, tokens))
      self.isDistilled = isDistilled
      self.comparesStates = isDistilled && comparesStates
      self.isGated = isGated
      self.trained = trained
    }
  }

  /// The same on every rank: a source may have to be asked by all of them.
  let keepsWeights: Bool
  let keepsActivations: Bool
  /// Of this rank, as decided.
  let account: MemoryAccount

  /// Decides by the limit, or by half of what the rank could have of its host's memory. Collective.
  ///
  /// - Throws: ``MemoryLimitError`` on all ranks when a limit is below what must be in memory.
  init(
    _ workload: Workload, weights: WeightResidence, recompute: RecomputeChoice, limit: ByteSize?, available: Int,
    session: Session
  ) throws {
    let communicator = session.communicator
    let needed = MemoryAccount(workload, weights, keepsWeights: false, keepsActivations: recompute == .never).total
    let neededAnywhere = try communicator.maximumBytes(of: needed)
    try session.together {
      try MemoryLimitError.check(limit, needed: needed, neededAnywhere: neededAnywhere)
    }
    try self.init(workload, weights: weights, recompute: recompute, room: limit?.bytes ?? available / 2) { fits in
      try communicator.maximum(of: fits ? 0 : 1) == 0
    }
  }

  /// What a rank would decide by itself, where all are alike.
  init(
    _ workload: Workload, weights: WeightResidence, recompute: RecomputeChoice, limit: ByteSize?, available: Int
  ) {
    self.init(workload, weights: weights, recompute: recompute, room: limit?.bytes ?? available / 2) { $0 }
  }

  /// - Parameter agreeing: turns whether weights fit on this rank into whether they do on all.
  private init(
    _ workload: Workload, weights: WeightResidence, recompute: RecomputeChoice, room: Int,
    agreeing: (_ fits: Bool) throws -> Bool
  ) rethrows {
    func account(keepsWeights: Bool, keepsActivations: Bool) -> MemoryAccount {
      MemoryAccount(workload, weights, keepsWeights: keepsWeights, keepsActivations: keepsActivations)
    }
    let keepsWeights = try agreeing(
      account(keepsWeights: true, keepsActivations: recompute == .never).total <= room)
    self.keepsWeights = keepsWeights
    keepsActivations =
      switch recompute {
      case .always: false
      case .never: true
      case .auto: account(keepsWeights: keepsWeights, keepsActivations: true).total <= room
      }
    self.account = account(keepsWeights: keepsWeights, keepsActivations: keepsActivations)
  }
}

extension MemoryAccount {
  fileprivate init(
    _ workload: TrainingMemory.Workload, _ weights: WeightResidence, keepsWeights: Bool, keepsActivations: Bool
  ) {
    self.init()
    guard let blueprint = workload.models.first?.blueprint else { return }
    let layers = blueprint.layers.map {
      LayerFootprint($0, hiddenSize: blueprint.hiddenSize, isGated: workload.isGated)
    }
    let head = HeadPass.Footprint(blueprint, tokens: workload.batchTokens, rows: workload.batchTokens)
    let stream = Self.floats(workload.tokens * blueprint.hiddenSize)
    for model in workload.models { add(model, weights, head: head, isKeeping: keepsWeights) }
    // Values, gradients, the optimizer's moments, and what ranks exchange.
    self[.trained] = 6 * Self.floats(workload.trained)
    self[.streams] = stream * ((workload.isDistilled ? 2 : 1) + (workload.comparesStates ? layers.count : 0))
    self[.roundedFactors] = weights.roundedFactors(layers, batchTokens: workload.batchTokens, logits: head.logits)
    self[.head] += Self.floats((workload.isDistilled ? 2 : 1) * head.logits + 2 * head.states)
    let inside = layers.map { $0.insidePerToken }
    if keepsActivations {
      self[.insidesKept] = inside.reduce(0) { $0 + Self.floats($1 * workload.tokens) }
    } else {
      self[.boundaries] = layers.count * stream
    }
    let gradients = workload.batchTokens * (layers.map { $0.gradientsPerToken + $0.widestPerToken }.max() ?? 0)
    let scores = workload.longest * (layers.map(\.attentionPerPosition).max() ?? 0)
    // A teacher's inside is dropped at once.
    let passing = keepsActivations && !workload.isDistilled ? 0 : workload.batchTokens * (inside.max() ?? 0)
    self[.inside] = Self.floats(gradients + scores + passing)
  }
}

extension Communicator {
  /// The largest number of bytes of any rank. Collective.
  func maximumBytes(of bytes: Int) throws -> Int {
    Int(min(try maximum(of: Double(bytes)), 0x1p62))
  }
}
