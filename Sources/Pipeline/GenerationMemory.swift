package import Architectures
package import Artifacts
internal import Blueprints
internal import Communication
internal import Transformers

/// How many sequences a rank lets the model write at a time, and whether the weights stay in memory from token to token: what
/// the limit has room for, or half of what the rank could have of its host's memory.
package struct GenerationMemory {
  /// The same on every rank: a source may have to be asked by all of them.
  package let keepsWeights: Bool
  /// Sequences of each rank at a time, 1 or more; the same on every rank.
  package let sequences: Int
  /// Of this rank, as decided.
  package let account: MemoryAccount

  /// Keys and values of all sequences that are written at a time: more sequences make products hardly faster, and a round
  /// that a signal ends is lost.
  private static let mostCacheBytes = 2 << 30

  /// Decides for `sequences` sequences of all ranks. Collective.
  ///
  /// - Throws: ``MemoryLimitError`` on all ranks when a limit is below what one sequence needs.
  package init(
    _ model: Model, length: Int, sequences: Int, weights: WeightResidence, limit: ByteSize?, available: Int,
    session: Session
  ) throws {
    let communicator = session.communicator
    func account(_ sequences: Int, isKeeping: Bool) -> MemoryAccount {
      MemoryAccount(writing: sequences, length: length, model: model.shape, weights, isKeeping: isKeeping)
    }
    let needed = account(1, isKeeping: false).total
    let neededAnywhere = try communicator.maximumBytes(of: needed)
    try session.together {
      try MemoryLimitError.check(
        limit, needed: needed, neededAnywhere: neededAnywhere, remedy: "or lower generation.length")
    }
    let room = limit?.bytes ?? available / 2
    let fits = account(1, isKeeping: true).total <= room
    let keepsWeights = try communicator.maximum(of: fits ? 0 : 1) == 0
    let cacheRoom = min(Self.mostCacheBytes, limit.map { $0.bytes / 2 } ?? room)
    func hasRoom(_ sequences: Int) -> Bool {
      let account = account(sequences, isKeeping: keepsWeights)
      return account[.cache] <= cacheRoom && account.total <= room
    }
    // The most that fit, by halving; one fits, or has to.
    var (most, tooMany) = (1, (sequences + communicator.size - 1) / communicator.size + 1)
    while most + 1 < tooMany {
      let middle = (most + tooMany) / 2
      if hasRoom(middle) { most = middle } else { tooMany = middle }
    }
    self.keepsWeights = keepsWeights
    self.sequences = Int(-(try communicator.maximum(of: -Double(most))))
    self.account = account(self.sequences, isKeeping: keepsWeights)
  }
}

extension MemoryAccount {
  /// What a rank holds while `sequences` sequences are written token by token.
  fileprivate init(
    writing sequences: Int, length: Int, model: ModelShape, _ weights: WeightResidence, isKeeping: Bool
  ) {
    self.init()
    let blueprint = model.blueprint
    let layers = blueprint.layers.map { LayerFootprint($0, hiddenSize: blueprint.hiddenSize, isGated: false) }
    let head = HeadPass.Footprint(blueprint, tokens: sequences, rows: sequences)
    add(model, weights, head: head, isKeeping: isKeeping)
    self[.cache] = Self.floats(sequences * length * (GenerationPass.cacheBytesPerToken(blueprint) / 4))
    self[.streams] = Self.floats(2 * sequences * blueprint.hiddenSize)
    self[.roundedFactors] = weights.roundedFactors(layers, batchTokens: sequences, logits: head.logits)
    self[.head] += Self.floats(head.logits + head.states + blueprint.vocabularySize)
    self[.inside] = Self.floats(
      sequences * (layers.map { $0.insidePerToken + $0.gradientsPerToken }.max() ?? 0)
        + length * (layers.map(\.attentionPerPosition).max() ?? 0))
  }
}
