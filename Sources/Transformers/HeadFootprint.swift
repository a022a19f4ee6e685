public import Blueprints

extension HeadPass {
  /// How many float32 numbers a head holds at a time: its output matrix where that is widened, and a batch's logits and
  /// states. Both come in parts of the vocabulary when they are large.
  public struct Footprint: Sendable, Equatable {
    /// Rows of the output matrix that are widened at a time.
    public var outputMatrix: Int
    /// One matrix of logits.
    public var logits: Int
    /// Hidden states of a batch beside the stream: normed, and the gradients of both.
    public var states: Int

    /// - Parameters:
    ///   - tokens: of a batch.
    ///   - rows: tokens whose logits exist at a time: all of a batch, or of a sequence for ``Objective/maximumLogit``.
    public init(_ blueprint: Blueprint, tokens: Int, rows: Int) {
      let (vocabulary, hidden) = (blueprint.vocabularySize, blueprint.hiddenSize)
      let capacity = HeadPass.outputCapacity(vocabulary, hiddenSize: hidden)
      outputMatrix = capacity * hidden
      logits = rows * max(1, min(capacity, HeadPass.elementBudget / max(1, rows)))
      states = tokens * (3 * hidden + 1)
    }
  }
}
