public import Blueprints
public import Communication
public import Compute
public import Transformers

/// Measures how far a model's predictions move when units are taken out of it, over all ranks: each runs its own
/// sequences, and two numbers per mask travel (DESIGN §1, Calibration choice).
public struct DivergenceMeasurement {
  private let blueprint: Blueprint
  private let backend: any ComputeBackend
  private let communicator: any Communicator
  /// Dense and masked models go through the layers together.
  private static let context = Overflow.Context(
    remedy: "evaluate the model alone; where that works, a candidate's plan breaks it: lower allocation.sparsity")

  public init(blueprint: Blueprint, backend: any ComputeBackend, communicator: any Communicator) {
    self.blueprint = blueprint
    self.backend = backend
    self.communicator = communicator
  }

  /// KL(dense ‖ masked) of the next token's distributions for each mask: the mean over every token of the sequences of all
  /// ranks, in natural units, equal on every rank; NaN when no rank has a sequence.
  ///
  /// The dense model and all masks go through each layer in one sweep.
  ///
  /// - Parameters:
  ///   - sequences: this rank's; none is fine.
  ///   - masks: factors of the units; the same number on every rank.
  ///   - batchTokens: tokens in a forward pass.
  ///   - roundTokens: tokens whose hidden states a rank holds at a time, over all masks; each round goes through all
  ///     layers once.
  /// - Throws: ``Overflow`` where hidden states or logits are no finite numbers.
  public func measure(
    _ sequences: [[Int32]], masks: [ModelGates], batchTokens: Int, roundTokens: Int, source: any LayerSource,
    progress: PassProgress? = nil
  ) throws -> [Double] {
    let rounds = sequences.rounds(of: roundTokens / (masks.count + 1), tokens: \.count)
    // Every rank goes through as many sweeps as the rank with the most, because sweeps are collective.
    let count = Int(try communicator.maximum(of: Double(rounds.count)))
    var sums = [Double](repeating: 0, count: masks.count)
    for round in 0..<count {
      let batches = TokenBatch.split(round < rounds.count ? rounds[round] : [], tokens: batchTokens)
      let pass = ForwardPass(blueprint: blueprint, backend: backend, source: source, context: Self.context)
      try pass.run(
        batches, variants: [nil] + masks,
        progress: { done, total in try progress?(round * total + done, count * total) }
      ) { _, streams, head in
        let divergences = try head.divergences(of: Array(streams.dropFirst()), from: streams[0])
        for (mask, divergence) in divergences.enumerated() { sums[mask] += divergence }
      }
    }
    let tokens = try communicator.sum(of: sequences.reduce(0) { $0 + Double($1.count) })
    return try sums.map { try communicator.sum(of: $0) / tokens }
  }
}
