/// A sequence of token ids to train on.
public struct TrainingSequence: Sendable, Equatable {
  /// At least 2 tokens.
  public let ids: [Int32]
  /// The first place whose token is a target that counts, at least 1: tokens before it are context. In a plain text all
  /// but the first token are targets, in an instruction only the output's.
  public let scoredFrom: Int

  /// How many targets count, at least 1.
  public var targets: Int { ids.count - scoredFrom }

  /// - Throws: ``CalibrationError`` with `invalidIDs` when there is no target, no token before the first target, or a
  ///   negative id.
  public init(ids: [Int32], scoredFrom: Int = 1) throws(CalibrationError) {
    guard scoredFrom >= 1, scoredFrom < ids.count else {
      throw CalibrationError(
        .invalidIDs, "a sequence of \(ids.count) tokens has no target at or behind token \(scoredFrom)")
    }
    if let place = ids.firstIndex(where: { $0 < 0 }) {
      throw CalibrationError(.invalidIDs, "token \(place) of a sequence is negative: \(ids[place])")
    }
    self.ids = ids
    self.scoredFrom = scoredFrom
  }
}

/// Sequences to train on, and the order in which steps take them.
///
/// The order follows from the seed and a step's number alone: any rank can compute any step's sequences, and a run that is
/// resumed goes on with the very sequences that it would have had.
public struct TrainingSequences: Sendable, Equatable {
  /// At least one.
  public let sequences: [TrainingSequence]
  /// Seed of the order and of what is held out.
  public let seed: UInt64

  /// - Throws: ``CalibrationError`` with `tooFewTokens` when there are no sequences.
  public init(_ sequences: [TrainingSequence], seed: UInt64) throws(CalibrationError) {
    guard !sequences.isEmpty else { throw CalibrationError(.tooFewTokens, "no sequences to train on; give more text") }
    self.sequences = sequences
    self.seed = seed
  }

  /// What the numbers drawn from the seed are for; each use has numbers of its own.
  private enum Use: UInt64 { case order, split }

  /// A generator for one of the seed's uses, and the `number`-th time of it.
  private func generator(_ use: Use, _ number: Int = 0) -> SplitMix64 {
    var first = SplitMix64(seed: seed)
    for _ in 0..<use.rawValue { _ = first.next() }
    // Numbered seeds of SplitMix64 are hashed once more: neighbors would give the same numbers one place on.
    var second = SplitMix64(seed: first.next() &+ UInt64(number))
    return SplitMix64(seed: second.next())
  }

  /// The places in ``sequences`` of the sequences of a step, those of all ranks.
  ///
  /// Steps go through the sequences in a shuffled order, each once, then in another order, and so on.
  ///
  /// - Parameters:
  ///   - index: The step, counted from 0.
  ///   - batch: Sequences of each step, 1 or more.
  public func step(_ index: Int, batch: Int) -> [Int] {
    precondition(index >= 0 && batch >= 1, "a step is counted from 0 and has at least one sequence")
    var order: [Int] = []
    var epoch = -1
    return (0..<batch).map { offset in
      let (turn, place) = (index * batch + offset).quotientAndRemainder(dividingBy: sequences.count)
      if turn != epoch {
        epoch = turn
        var generator = generator(.order, turn)
        order = generator.permutation(sequences.count)
      }
      return order[place]
    }
  }

  /// The sequences in two parts without a common one, chosen by the seed.
  ///
  /// - Parameter heldOut: How many are held out of the training, 0 or more.
  /// - Throws: ``CalibrationError`` with `tooFewTokens` unless one is left to train on.
  public func split(heldOut: Int) throws(CalibrationError) -> (training: TrainingSequences, heldOut: [TrainingSequence])
  {
    guard heldOut >= 0, heldOut < sequences.count else {
      throw CalibrationError(
        .tooFewTokens,
        "\(heldOut) sequences to hold out leave none of \(sequences.count) to train on; give more text, or hold out fewer"
      )
    }
    var generator = generator(.split)
    let order = generator.permutation(sequences.count)
    return (
      try TrainingSequences(order.dropFirst(heldOut).map { sequences[$0] }, seed: seed),
      order.prefix(heldOut).map { sequences[$0] }
    )
  }

  /// The same sequences, all of whose ids are below `vocabularySize`.
  ///
  /// - Throws: ``CalibrationError`` with `invalidIDs`, naming the first id that is not.
  public func checked(vocabularySize: Int) throws(CalibrationError) -> TrainingSequences {
    for sequence in sequences {
      if let id = sequence.ids.first(where: { $0 >= vocabularySize }) {
        throw CalibrationError(
          .invalidIDs,
          "a sequence has the token \(id), but the model's vocabulary has \(vocabularySize) tokens; use the model's own "
            + "tokenizer")
      }
    }
    return self
  }
}
