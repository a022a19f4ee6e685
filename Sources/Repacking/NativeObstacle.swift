public import Architectures
public import Blueprints

/// What keeps a pruned model from the layout `native`.
public enum NativeObstacle: Equatable, Sendable, CustomStringConvertible {
  /// The layers differ, or lack attention or MLP, which the family's own keys cannot say.
  case unequalLayers
  /// The family's stock class refuses the one shape that all layers have, with the reason.
  case ofFamily(String)

  /// A clause without an end.
  public var description: String {
    switch self {
    case .unequalLayers: "it needs layers of one shape, with attention and MLP, which this plan does not leave"
    case .ofFamily(let reason): reason
    }
  }
}

extension Blueprint {
  /// What keeps this pruned blueprint of `model` from the layout `native`; nil: nothing, so the family's own class loads it.
  public func obstacleToNative(_ model: ModelShape) -> NativeObstacle? {
    let isUniform = layers.allSatisfy { $0 == layers[0] && !$0.sublayers.contains(where: \.isAbsent) }
    guard isUniform else { return .unequalLayers }
    return model.obstacleToNative(self).map(NativeObstacle.ofFamily)
  }
}
