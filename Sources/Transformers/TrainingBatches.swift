internal import Compute

/// A rank's share of one training step's text, and what the step's mean is over.
public struct TrainingBatches: Sendable {
  /// The batches of each accumulation pass.
  public let passes: [[TokenBatch]]
  /// The numbers in the step of each batch's sequences: what dropout leaves out follows from them.
  public let sequences: [[Range<Int>]]
  /// Targets of all ranks and passes.
  public let targets: Int
  /// Tokens of all ranks and passes.
  public let tokens: Int

  /// - Parameter firstSequences: the number in the step of each pass's first sequence.
  public init(passes: [[TokenBatch]], firstSequences: [Int], targets: Int, tokens: Int) {
    self.passes = passes
    self.targets = targets
    self.tokens = tokens
    sequences = zip(passes, firstSequences).map { batches, first in
      var next = first
      return batches.map { batch in
        defer { next += batch.layout.count }
        return next..<next + batch.layout.count
      }
    }
  }
}
