public import Artifacts

/// How far scoring by gradients came, from the last layer towards the first; the same on every rank.
public struct ScoringProgress: Sendable, Equatable {
  /// The first layer that has its scores; those after it have theirs too.
  public let layer: Int
  /// f over all ranks.
  public let objective: Double
  /// The finished scores of these layers, in the model's order.
  public let layers: [ScoreTable.Layer]

  public init(layer: Int, objective: Double, layers: [ScoreTable.Layer]) {
    self.layer = layer
    self.objective = objective
    self.layers = layers
  }
}
