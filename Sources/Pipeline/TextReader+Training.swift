internal import Architectures
internal import Artifacts
internal import Blueprints
package import Calibration
internal import Communication
internal import Tokenizers

extension TextReader {
  /// Sequences to train on, from text files, instructions and files of `input_ids`; of several, each gives its part.
  ///
  /// - Parameters:
  ///   - text: The files; those whose name ends in .safetensors hold sequences as `input_ids`, of which the first `length`
  ///     tokens are taken.
  ///   - key: The key that names them, for errors, such as `tuning.text`.
  ///   - length: Tokens of a sequence, at most.
  ///   - seed: Of the choice of sequences and of their order.
  ///   - needed: Sequences at most, those to hold out included. With fewer, training goes through them again.
  /// - Throws: the one-line errors of what reads files, and ``RunDocumentError`` when there are no files.
  package func trainingSequences(
    text: [String], key: String, length: Int, seed: UInt64, needed: Int
  ) throws -> TrainingSequences {
    guard !text.isEmpty else {
      throw RunDocumentError(.missingKey, "\(key): missing; name a text to train on")
    }
    let tokenizer = try text.allSatisfy(Self.holdsTokens) ? nil : tokenizer()
    // A text has no ends; the token matters to instructions alone, which stand in .json and .jsonl.
    let endOfText = try text.contains { $0.lowercased().contains(".json") } ? model.endOfText() : nil
    let needed = max(needed, text.count)
    let sequences = try text.enumerated().flatMap { index, path in
      let share = Partition(ranks: text.count).block(of: needed, rank: index).count
      let sequences: TrainingSequences
      if let tokenizer, !Self.holdsTokens(path) {
        sequences = try TrainingSequences(
          TextSource(path: path), tokenizer: tokenizer, length: length, seed: seed, endOfText: endOfText, limit: share)
      } else {
        sequences = try tokens(of: path, length: length, seed: seed, limit: share)
      }
      return try named(path) { () throws(CalibrationError) in
        try sequences.checked(vocabularySize: model.blueprint.vocabularySize).sequences
      }
    }
    return try TrainingSequences(sequences, seed: seed)
  }

  /// Sequences of a file of `input_ids`, `limit` of them drawn by the seed.
  private func tokens(of path: String, length: Int, seed: UInt64, limit: Int) throws -> TrainingSequences {
    let ids = try inputIDs(path).ids
    return try named(path) { () throws(CalibrationError) in
      var generator = SplitMix64(seed: seed)
      let chosen = generator.permutation(ids.count).prefix(limit)
      var sequences: [TrainingSequence] = []
      for index in chosen { sequences.append(try TrainingSequence(ids: Array(ids[index].prefix(length)))) }
      return try TrainingSequences(sequences, seed: seed)
    }
  }
}
