internal import Glibc
public import Blueprints
public import Communication
public import Compute
public import Transformers

/// exp of the mean negative log likelihood of a text's tokens (natural logarithm).
public struct Perplexity: Sendable, Equatable {
  /// Sum over counted tokens of −log p(token | the window before it).
  public var negativeLogLikelihood: Double
  /// How many tokens were counted.
  public var tokens: Int

  public init(negativeLogLikelihood: Double, tokens: Int) {
    self.negativeLogLikelihood = negativeLogLikelihood
    self.tokens = tokens
  }

  /// Infinite when the mean is too large to be told apart from it, which a bad cut may come to; NaN without tokens.
  public var value: Double { tokens == 0 ? .nan : exp(negativeLogLikelihood / Double(tokens)) }
}

/// A window of text: its tokens, and from which position on they count as targets.
public struct EvaluationWindow: Sendable, Equatable {
  public var ids: [Int32]
  /// Positions before this one are context only; at least 1, because the first token has no prediction.
  public var scoredFrom: Int

  public init(ids: [Int32], scoredFrom: Int) {
    self.ids = ids
    self.scoredFrom = scoredFrom
  }
}

/// Measures perplexity over all ranks: each runs its own windows, and two numbers travel.
public struct PerplexityMeasurement {
  private let blueprint: Blueprint
  private let backend: any ComputeBackend
  private let communicator: any Communicator

  public init(blueprint: Blueprint, backend: any ComputeBackend, communicator: any Communicator) {
    self.blueprint = blueprint
    self.backend = backend
    self.communicator = communicator
  }

  /// The perplexity over the windows of all ranks, equal on every rank.
  ///
  /// - Parameters:
  ///   - windows: this rank's; none is fine.
  ///   - batchTokens: tokens in a forward pass.
  ///   - roundTokens: tokens whose hidden states a rank holds at a time; each round goes through all layers once.
  ///   - gates: a plan's mask, to measure a pruned model that is not written yet.
  ///   - adapters: what is trained beside the weights and not merged yet.
  ///   - context: what is told when numbers overflow; nil for what `gates` say.
  /// - Throws: ``Overflow`` where hidden states or logits are no finite numbers.
  public func measure(
    _ windows: [EvaluationWindow], batchTokens: Int, roundTokens: Int, source: any LayerSource,
    gates: ModelGates? = nil, adapters: ModelAdapters = [:], context: Overflow.Context? = nil,
    progress: PassProgress? = nil
  ) throws -> Perplexity {
    let rounds = windows.rounds(of: roundTokens, tokens: \.ids.count)
    // Every rank goes through as many sweeps as the rank with the most, because sweeps are collective.
    let count = Int(try communicator.maximum(of: Double(rounds.count)))
    var result = Perplexity(negativeLogLikelihood: 0, tokens: 0)
    for round in 0..<count {
      let windows = round < rounds.count ? rounds[round] : []
      let batches = TokenBatch.split(
        windows.map(\.ids), tokens: batchTokens, scoredFrom: windows.map(\.scoredFrom))
      let pass = ForwardPass(
        blueprint: blueprint, backend: backend, source: source, context: context ?? (gates == nil ? .model : .plan))
      try pass.run(
        batches, gates: gates, adapters: adapters,
        progress: { done, total in try progress?(round * total + done, count * total) }
      ) { number, stream, head in
        let losses = try head.negativeLogLikelihoods(stream, batch: batches[number])
        result.negativeLogLikelihood += losses.reduce(0) { $0 + Double($1) }
        result.tokens += batches[number].targetCount
      }
    }
    return Perplexity(
      negativeLogLikelihood: try communicator.sum(of: result.negativeLogLikelihood),
      tokens: Int(try communicator.sum(of: Double(result.tokens))))
  }
}
