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

  /// So many sequences at a time share the reading of weights well; more of them make products hardly faster, and a round
  /// that a signal ends is lost. Small models may still write as many as have their keys and values in so many bytes.
  private static let manySequences = 128
  private static let fewCacheBytes = 2 << 30

  /// Decides for `sequences` sequences of all ranks. Collective.
  ///
  /// - Throws: ``MemoryLimitError`` on all ranks when a limit is below what one sequence needs.
  package init(
    _ model: Model, length: Int, sequences: Int, weights: WeightResidence, limit: ByteSize?, available: Int,
    session: Session
  ) throws {
    let communicator = session.communicator
    let room = Room(model.shape, length: length, weights, limit: limit, available: available)
    let needed = room.account(1, isKeeping: false).total
    let neededAnywhere = try communicator.maximumBytes(of: needed)
    try session.together {
      try MemoryLimitError.check(
        limit, needed: needed, neededAnywhere: neededAnywhere, remedy: "or lower generation.length")
    }
    let keepsWeights = try communicator.maximum(of: room.holdsWeights ? 0 : 1) == 0
    let share = (sequences + communicator.size - 1) / communicator.size
    let most = room.sequences(upTo: share, isKeeping: keepsWeights)
    self.init(room, sequences: Int(-(try communicator.maximum(of: -Double(most)))), keepsWeights: keepsWeights)
  }

  /// What a rank with this much memory would decide by itself, for `sequences` of its own; a limit below what one needs
  /// counts as enough for it.
  init(
    _ model: ModelShape, length: Int, sequences: Int, weights: WeightResidence, limit: ByteSize?, available: Int
  ) {
    let room = Room(model, length: length, weights, limit: limit, available: available)
    let keepsWeights = room.holdsWeights
    self.init(
      room, sequences: room.sequences(upTo: sequences, isKeeping: keepsWeights), keepsWeights: keepsWeights)
  }

  private init(_ room: Room, sequences: Int, keepsWeights: Bool) {
    self.keepsWeights = keepsWeights
    self.sequences = sequences
    account = room.account(sequences, isKeeping: keepsWeights)
  }

  /// What a rank's memory has room for.
  private struct Room {
    let model: ModelShape
    let length: Int
    let weights: WeightResidence
    let bytes: Int
    /// The most sequences whose keys and values leave room for the rest.
    private let cachedSequences: Int

    init(_ model: ModelShape, length: Int, _ weights: WeightResidence, limit: ByteSize?, available: Int) {
      (self.model, self.length, self.weights) = (model, length, weights)
      bytes = limit?.bytes ?? available / 2
      let perSequence = max(1, length * GenerationPass.cacheBytesPerToken(model.blueprint))
      cachedSequences = min(
        max(GenerationMemory.manySequences, GenerationMemory.fewCacheBytes / perSequence), bytes / 2 / perSequence)
    }

    func account(_ sequences: Int, isKeeping: Bool) -> MemoryAccount {
      MemoryAccount(writing: sequences, length: length, model: model, weights, isKeeping: isKeeping)
    }

    var holdsWeights: Bool { account(1, isKeeping: true).total <= bytes }

    /// The most that fit, by halving; one fits, or has to.
    func sequences(upTo limit: Int, isKeeping: Bool) -> Int {
      var (most, tooMany) = (1, min(limit, cachedSequences) + 1)
      while most + 1 < tooMany {
        let middle = (most + tooMany) / 2
        if account(middle, isKeeping: isKeeping).total <= bytes { most = middle } else { tooMany = middle }
      }
      return most
    }
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
