public import Blueprints

/// How many float32 numbers the passes hold of one layer, beside what ``LayerPass`` and its sublayers make: what is kept
/// between the sweeps, and what exists only while a batch is inside.
public struct LayerFootprint: Sendable, Equatable {
  /// Activations of one token that the backward pass needs, with the layer's input.
  public var insidePerToken = 0
  /// Gradients of activations of one token, in the sublayer that has most of them.
  public var gradientsPerToken = 0
  /// The widest matrix of activations: what a product in another precision rounds.
  public var widestPerToken = 0
  /// Scores of the attention tiles for a token of the longest sequence, forward and backward.
  public var attentionPerPosition = 0

  /// - Parameter isGated: whether factors multiply the units, so that outputs are there with and without them.
  public init(_ layer: LayerSpecification, hiddenSize: Int, isGated: Bool) {
    widestPerToken = hiddenSize
    // The layer's output, which a recomputing forward pass makes and drops.
    gradientsPerToken = hiddenSize
    let factor = isGated ? 1 : 0
    for sublayer in layer.sublayers {
      // The stream, and of sublayers with units the normed stream and its scale.
      insidePerToken += hiddenSize
      guard !sublayer.isAbsent else { continue }
      insidePerToken += hiddenSize + 1
      switch sublayer.kind {
      case .attention(let attention):
        let query = attention.queryHeads * attention.headWidth
        let keyValue = 2 * attention.keyValueHeads * attention.headWidth
        insidePerToken += (2 + factor) * query + keyValue + attention.queryHeads
        gradientsPerToken = max(gradientsPerToken, 2 * query + keyValue + hiddenSize)
        widestPerToken = max(widestPerToken, query)
        attentionPerPosition = 2 * Self.attentionTile
      case .mlp(let mlp):
        insidePerToken += (3 + factor) * mlp.width
        gradientsPerToken = max(gradientsPerToken, 3 * mlp.width + hiddenSize)
        widestPerToken = max(widestPerToken, mlp.width)
      }
    }
  }

  /// Queries that a backend may let attend together.
  private static let attentionTile = 128
}
