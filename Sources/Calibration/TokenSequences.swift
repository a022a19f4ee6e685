/// Sequences of token ids, all of one length: what a model is calibrated on.
public struct TokenSequences: Sendable, Equatable {
  /// Tokens of each sequence, at least one.
  public let length: Int
  /// `[sequence, token]`, at least one sequence.
  public let ids: [[Int32]]

  /// Sequences that exist already.
  ///
  /// - Throws: ``CalibrationError`` with `invalidIDs` if there are none, or they are empty, differ in length, or hold a
  ///   negative id. The vocabulary's size is a model's matter: ``checked(vocabularySize:)``.
  public init(ids: [[Int32]]) throws(CalibrationError) {
    guard let first = ids.first else { throw CalibrationError(.invalidIDs, "no token sequences") }
    guard !first.isEmpty else { throw CalibrationError(.invalidIDs, "token sequence 0 is empty") }
    for (index, sequence) in ids.enumerated() {
      guard sequence.count == first.count else {
        throw CalibrationError(
          .invalidIDs, "token sequence \(index) has \(sequence.count) tokens, but sequence 0 has \(first.count)")
      }
      if let place = sequence.firstIndex(where: { $0 < 0 }) {
        throw CalibrationError(.invalidIDs, "token \(place) of sequence \(index) is negative: \(sequence[place])")
      }
    }
    length = first.count
    self.ids = ids
  }

  /// The same sequences, all of whose ids are below `vocabularySize`.
  ///
  /// - Throws: ``CalibrationError`` with `invalidIDs`, naming the first id that is not.
  public func checked(vocabularySize: Int) throws(CalibrationError) -> TokenSequences {
    for (index, sequence) in ids.enumerated() {
      if let place = sequence.firstIndex(where: { $0 >= vocabularySize }) {
        throw CalibrationError(
          .invalidIDs,
          "token \(place) of sequence \(index) is \(sequence[place]), but the model's vocabulary has \(vocabularySize) "
            + "tokens; use the model's own tokenizer")
      }
    }
    return self
  }
}
