extension RunReport {
  /// What the perplexity after pruning, over that of the dense model, says of the result.
  public enum Verdict: String, Sendable, CaseIterable {
    /// At most ``mostGood`` times the dense model's.
    case good
    /// At most ``mostFair`` times.
    case fair
    /// More.
    case poor
    /// Infinite, or not a number.
    case broken

    public static let mostGood = 1.1
    public static let mostFair = 1.5

    /// What it means, in a few words.
    public var explanation: String {
      switch self {
      case .good: "close to the dense model"
      case .fair: "noticeably worse than the dense model"
      case .poor: "far worse than the dense model"
      case .broken: "the model predicts nothing"
      }
    }
  }

  /// The verdict on what came of the model; `nil` where nothing was measured to compare, as of a model that was pruned
  /// before, whose dense one is not known.
  public var verdict: Verdict? {
    guard let perplexity, let after = perplexity.after else { return nil }
    guard after.isFinite else { return .broken }
    guard model.isPruned != true, let before = perplexity.before, before.isFinite, before > 0 else { return nil }
    let ratio = after / before
    return ratio <= Verdict.mostGood ? .good : ratio <= Verdict.mostFair ? .fair : .poor
  }
}
