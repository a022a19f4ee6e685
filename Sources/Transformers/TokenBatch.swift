public import Compute

/// Sequences that run through a layer together, one after another in the rows of its matrices.
public struct TokenBatch: Sendable, Equatable {
  public let layout: SequenceLayout
  /// All sequences' tokens, `[token]`.
  public let ids: [Int32]
  /// What each token is to predict, `[token]`; −1 where nothing is counted.
  public let targets: [Int32]

  /// Next-token prediction: each token's target is the one after it; the last has none.
  ///
  /// `scoredFrom[s]`, when given, is the first position of sequence `s` that counts as a target: what lies before it is
  /// context only.
  public init(nextTokenOf sequences: [[Int32]], scoredFrom: [Int]? = nil) {
    layout = SequenceLayout(lengths: sequences.map(\.count))
    ids = sequences.flatMap { $0 }
    targets = sequences.enumerated().flatMap { index, sequence in
      sequence.indices.map { position in
        let target = position + 1
        let isCounted = target < sequence.count && target >= (scoredFrom?[index] ?? 1)
        return isCounted ? sequence[target] : -1
      }
    }
  }

  /// How many tokens have a target.
  public var targetCount: Int { targets.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) } }

  /// Consecutive sequences gathered into batches of at most `tokens` tokens, at least one sequence each.
  public static func split(
    _ sequences: [[Int32]], tokens: Int, scoredFrom: [Int]? = nil
  ) -> [TokenBatch] {
    var batches: [TokenBatch] = []
    var start = 0
    while start < sequences.count {
      var end = start + 1
      var sum = sequences[start].count
      while end < sequences.count, sum + sequences[end].count <= tokens {
        sum += sequences[end].count
        end += 1
      }
      batches.append(
        TokenBatch(nextTokenOf: Array(sequences[start..<end]), scoredFrom: scoredFrom.map { Array($0[start..<end]) }))
      start = end
    }
    return batches
  }
}
