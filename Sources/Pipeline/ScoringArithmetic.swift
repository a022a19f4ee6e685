internal import Architectures
package import Blueprints
package import Transformers

/// The floating-point operations of a scoring pass, counted from the model's shape.
///
/// A weight of a layer costs 2 per token (a multiplication and an addition) in the forward pass, 2 for the gradient of its
/// input and 2 for its own; and 2 again where the layer's inside is computed a second time. Attention costs, per pair of
/// tokens that see each other and number in a query head, 4 forward (q · k and p · v), 8 backward, and 2 for the scores
/// that the backward pass always computes again. Norms, positions, activations and |gradient · weight| are not counted.
package struct ScoringArithmetic: Equatable {
  /// Products with the layers' weights, forward.
  package private(set) var weights = 0.0
  /// Attention, forward.
  package private(set) var attention = 0.0
  /// The output matrix, forward and backward. It has no gradient of its own.
  package private(set) var head = 0.0
  /// The share of the layers' inside that the backward pass computed again.
  package let recomputed: Double

  /// - Parameters:
  ///   - lengths: tokens of each sequence.
  ///   - objective: for max-logit the backward pass of the head touches one token per sequence and vocabulary entry.
  package init(_ blueprint: Blueprint, lengths: [Int], objective: Objective, recomputed: Double) {
    self.recomputed = recomputed
    let tokens = Double(lengths.reduce(0, +))
    for (index, layer) in blueprint.layers.enumerated() {
      let matrices = blueprint.tensors(of: .layer(index)).filter { $0.shape.count == 2 }
      weights += 2 * tokens * Double(matrices.reduce(0) { $0 + $1.shape[0] * $1.shape[1] })
      for case .attention(let specification) in layer.sublayers.map(\.kind) {
        let width = Double(specification.queryHeads * specification.headWidth)
        attention += 4 * width * lengths.reduce(0) { $0 + Self.pairs($1, specification.mask) }
      }
    }
    let output = 2 * Double(blueprint.vocabularySize) * Double(blueprint.hiddenSize)
    head = output * (tokens + (objective == .loss ? tokens : Double(lengths.count)))
  }

  /// Pairs of tokens of which the one sees the other.
  private static func pairs(_ length: Int, _ mask: AttentionSpecification.Mask) -> Double {
    let length = Double(length)
    return mask == .causal ? length * (length + 1) / 2 : length * length
  }

  /// What every way to compute the pass needs.
  package var needed: Double { 3 * weights + 3 * attention + head }

  /// What was computed, with what was computed again.
  package var done: Double { needed + attention / 2 + recomputed * (weights + attention) }
}
