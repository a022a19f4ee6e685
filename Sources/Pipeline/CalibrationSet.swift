internal import Artifacts
internal import Crypto

/// Sequences that units are scored on, and where they are from.
package struct CalibrationSet: Sendable {
  /// The files that they are from, each with its part.
  package let text: [String]
  /// The seed that chose them.
  package let seed: UInt64
  /// Of all ranks, `[sequence][token]`; empty when the criterion needs none.
  package let sequences: [[Int32]]
  /// SHA-256 over the sequences.
  let hash: String

  init(text: [String], seed: UInt64, sequences: [[Int32]]) {
    self.text = text
    self.seed = seed
    self.sequences = sequences
    hash = Self.hash(sequences)
  }

  /// SHA-256 over sequences, in lowercase hexadecimal.
  static func hash(_ sequences: [[Int32]]) -> String {
    var hash = SHA256()
    for sequence in sequences {
      hash.update(data: ([Int32(truncatingIfNeeded: sequence.count)] + sequence).littleEndianBytes)
    }
    return hash.finalize().hexadecimal
  }
}
