internal import Architectures
internal import Artifacts
internal import Blueprints
package import Calibration
internal import Communication
internal import Tokenizers

extension TextReader {
  /// Sequences to train on, from text files, instructions and files of `input_ids`; of several, each gives as many, and
  /// where one has too few the others make up for it.
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
    return try TrainingSequences(
      Self.shared(max(needed, text.count), among: text.count) { index, limit in
        let path = text[index]
        let sequences: TrainingSequences
        if let tokenizer, !Self.holdsTokens(path) {
          sequences = try TrainingSequences(
            TextSource(path: path), tokenizer: tokenizer, length: length, seed: seed, endOfText: endOfText,
            limit: limit, note: notes.add)
        } else {
          sequences = try tokens(of: path, length: length, seed: seed, limit: limit)
        }
        return try named(path) { () throws(CalibrationError) in
          try sequences.checked(vocabularySize: model.blueprint.vocabularySize).sequences
        }
      }, seed: seed)
  }

  /// `needed` sequences from `count` texts, the same number from each as far as it has them; fewer where all end before.
  ///
  /// - Parameter read: at most `limit` sequences of a text; it is asked for again with more when others have too few.
  private static func shared(
    _ needed: Int, among count: Int, read: (_ index: Int, _ limit: Int) throws -> [TrainingSequence]
  ) throws -> [TrainingSequence] {
    var limits = (0..<count).map { share($0, of: needed, texts: count) }
    var sequences = [[TrainingSequence]](repeating: [], count: count)
    var unread = Array(0..<count)
    while !unread.isEmpty {
      for index in unread { sequences[index] = try read(index, limits[index]) }
      let missing = needed - sequences.reduce(0) { $0 + $1.count }
      unread = missing > 0 ? (0..<count).filter { sequences[$0].count >= limits[$0] } : []
      for (place, index) in unread.enumerated() {
        limits[index] += share(place, of: missing, texts: unread.count)
      }
    }
    return sequences.flatMap { $0 }
  }

  /// Sequences of a file of `input_ids`, `limit` of them drawn by the seed.
  private func tokens(of path: String, length: Int, seed: UInt64, limit: Int) throws -> TrainingSequences {
    let chosen = try inputIDs(path, seed: seed, limit: limit)
    return try named(path) { () throws(CalibrationError) in
      var sequences: [TrainingSequence] = []
      for ids in chosen { sequences.append(try TrainingSequence(ids: Array(ids.prefix(length)))) }
      return try TrainingSequences(sequences, seed: seed)
    }
  }
}
