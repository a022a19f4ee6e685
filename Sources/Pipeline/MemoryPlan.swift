internal import Compute
internal import Communication
package import Architectures
package import Artifacts
internal import Blueprints
package import Transformers

/// What a rank keeps in memory while it scores, decided before the run: of which layers the inside, and how many bytes of
/// the other layers' inputs; the rest of those goes to a file.
package struct MemoryPlan: Sendable {
  /// What a rank will compute.
  package struct Workload: Sendable {
    /// This rank's calibration tokens.
    package var tokens: Int
    /// Tokens of its largest batch, and of its longest sequence.
    package var batchTokens: Int
    package var longest: Int
    package var objective: Objective
    /// Whether factors multiply the units.
    package var isGated: Bool
    /// How many ranks sum gradients; 1 for none.
    package var summingRanks: Int

    /// The largest that these batches ask for.
    package init(_ batches: [TokenBatch], objective: Objective, isGated: Bool = false, summingRanks: Int = 1) {
      tokens = batches.reduce(0) { $0 + $1.layout.tokens }
      batchTokens = batches.map(\.layout.tokens).max() ?? 0
      longest = batches.map(\.layout.longest).max() ?? 0
      self.objective = objective
      self.isGated = isGated
      self.summingRanks = summingRanks
    }

    /// So many sequences of one length, in batches of `batchTokens` at most.
    package init(
      sequences: Int, length: Int, batchTokens: Int, objective: Objective, summingRanks: Int = 1
    ) {
      longest = sequences > 0 ? length : 0
      tokens = sequences * longest
      self.batchTokens = min(tokens, max(longest, batchTokens / max(1, longest) * longest))
      self.objective = objective
      isGated = false
      self.summingRanks = summingRanks
    }
  }

  /// How many of the last layers keep their inside: the backward sweep comes to them first.
  package let keptLayers: Int
  /// What boundaries may take in memory; nil for all they need.
  package let boundaryBudget: Int?
  /// Of this rank, as decided.
  package let account: MemoryAccount
  /// The smallest limit under which the rank can do what it was asked for, with whatever can be spilled in a file.
  package let neededBytes: Int
  private let limit: ByteSize?

  /// - Parameters:
  ///   - limit: of the rank; its insides go first, then boundaries are spilled.
  ///   - available: bytes that the rank could have of its host's memory, of which kept insides take a quarter at most,
  ///     and no more than 128 MiB, when there is no limit.
  package init(
    _ model: Model, _ workload: Workload, weights: WeightResidence, recompute: RecomputeChoice, limit: ByteSize?,
    available: Int
  ) {
    self.init(
      model.shape, workload, weights: weights, recompute: recompute, limit: limit, available: available)
  }

  /// The same from a shape alone.
  package init(
    _ model: ModelShape, _ workload: Workload, weights: WeightResidence, recompute: RecomputeChoice, limit: ByteSize?,
    available: Int
  ) {
    let estimate = Estimate(model, workload, weights)
    let layers = model.blueprint.layers.count
    let kept =
      switch recompute {
      case .always: 0
      case .never: layers
      case .auto:
        (0...layers).last { kept in
          if let limit { return estimate.account(kept: kept).total <= limit.bytes }
          return estimate.insideBytes(kept: kept) <= min(available / Self.automaticShare, Self.automaticMost)
        } ?? 0
      }
    var account = estimate.account(kept: kept)
    var least = account
    least[.boundaries] = 0
    if recompute == .auto {
      least = estimate.account(kept: 0)
      least[.boundaries] = 0
    }
    neededBytes = least.total
    keptLayers = kept
    boundaryBudget = limit.map { min(account[.boundaries], max(0, $0.bytes - (account.total - account[.boundaries]))) }
    account[.boundaries] = boundaryBudget ?? account[.boundaries]
    self.account = account
    self.limit = limit
  }

  /// The part of what a host has left that kept insides may take by themselves.
  private static let automaticShare = 4
  /// And the most: the system's clearing of fresh pages takes back much of what more would gain, and whoever sets no limit
  /// expects a pass to need little.
  private static let automaticMost = 1 << 27

  /// Makes sure that every rank has room, before anything is computed. Collective.
  ///
  /// - Throws: ``MemoryLimitError`` with what the rank that needs most needs.
  func requireRoom(_ session: Session) throws {
    let needed = try session.communicator.maximumBytes(of: neededBytes)
    try session.together { try requireRoom(neededAnywhere: needed) }
  }

  /// - Throws: ``MemoryLimitError`` when the limit is below what must be in memory.
  package func requireRoom(neededAnywhere: Int = 0) throws(MemoryLimitError) {
    try MemoryLimitError.check(limit, needed: neededBytes, neededAnywhere: neededAnywhere)
  }
}

/// Accounts of scoring for any number of kept layers.
private struct Estimate {
  private let fixed: MemoryAccount
  /// Bytes by layer: of all batches' insides, and of one batch's.
  private let insides: [Int]
  private let batchInsides: [Int]
  private let boundary: Int
  private let gradients: Int

  init(_ model: ModelShape, _ workload: MemoryPlan.Workload, _ weights: WeightResidence) {
    let blueprint = model.blueprint
    let layers = blueprint.layers.map {
      LayerFootprint($0, hiddenSize: blueprint.hiddenSize, isGated: workload.isGated)
    }
    let rows = workload.objective == .maximumLogit ? workload.longest : workload.batchTokens
    let head = HeadPass.Footprint(blueprint, tokens: workload.batchTokens, rows: rows)
    let widest = blueprint.layers.indices.map { weights.widened(model, layer: $0) }.max() ?? 0
    let shapes = blueprint.layers.indices.flatMap { blueprint.tensors(of: .layer($0)).map { $0.shape.reduce(1, *) } }
    var fixed = MemoryAccount()
    fixed[.weightsHeld] = weights.held(model)
    fixed[.weightsInFlight] = weights.inFlight(model)
    fixed[.streams] = MemoryAccount.floats(workload.tokens * blueprint.hiddenSize)
    // max-logit's gradient is a gather: its logits are no factor of a product.
    fixed[.roundedFactors] = weights.roundedFactors(
      layers, batchTokens: workload.batchTokens, logits: workload.objective == .loss ? head.logits : 0)
    fixed[.layerWeights] = widest
    fixed[.weightGradients] =
      blueprint.layers.indices.map { layer in
        blueprint.tensors(of: .layer(layer)).reduce(0) { $0 + MemoryAccount.floats($1.shape.reduce(1, *)) }
      }.max() ?? 0
    fixed[.head] = weights.head(model, head, logits: 1)
    if workload.summingRanks > 1 {
      // Parts of at most 4 MiB, one from every rank, or a whole tensor in the message library (`GradientExchange.reduce`).
      let part = 4 * min(1 << 20, shapes.max() ?? 0)
      fixed[.exchange] = max(part * (workload.summingRanks + 3), 8 * (shapes.max() ?? 0))
    }
    self.fixed = fixed
    insides = layers.map { MemoryAccount.floats($0.insidePerToken * workload.tokens) }
    batchInsides = layers.map { MemoryAccount.floats($0.insidePerToken * workload.batchTokens) }
    gradients = MemoryAccount.floats(
      workload.batchTokens * (layers.map(\.gradientsPerToken).max() ?? 0)
        + workload.longest * (layers.map(\.attentionPerPosition).max() ?? 0))
    boundary = MemoryAccount.floats(workload.tokens * blueprint.hiddenSize)
  }

  /// Bytes of the last layers' insides.
  func insideBytes(kept: Int) -> Int { insides.suffix(kept).reduce(0, +) }

  /// With all boundaries in memory.
  func account(kept: Int) -> MemoryAccount {
    var account = fixed
    account[.boundaries] = (insides.count - kept) * boundary
    account[.insidesKept] = insideBytes(kept: kept)
    // Before the backward sweep computes a layer again it has used up the kept ones.
    let again = batchInsides.prefix(insides.count - kept).max() ?? 0
    account[.inside] = gradients + max(0, again - account[.insidesKept])
    return account
  }
}
