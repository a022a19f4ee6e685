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

  /// Makes sure that f and the newest layer's scores are finite numbers: a gradient that overflows does so in this layer
  /// first, and poisons those before it.
  ///
  /// - Throws: ``ArtifactError`` with code `notFinite` naming f, or layer and unit.
  public func requireFinite() throws(ArtifactError) {
    guard objective.isFinite else {
      throw Self.overflow("the objective is \(objective)")
    }
    for (what, scores) in [("key-value head", layers[0].attention), ("neuron", layers[0].mlp)] {
      guard let unit = scores.firstIndex(where: { !$0.isFinite }) else { continue }
      throw Self.overflow("layer \(layer): the score of \(what) \(unit) is \(scores[unit])")
    }
  }

  private static func overflow(_ what: String) -> ArtifactError {
    ArtifactError(
      code: .notFinite,
      message:
        "\(what) though every weight and hidden state is a finite number, so its gradient is beyond float32; score "
        + "with another objective (scoring.objective) or criterion (scoring.criterion: magnitude)")
  }
}
