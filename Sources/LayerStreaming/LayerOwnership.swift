public import Blueprints
public import Communication

extension Partition {
  /// The rank that holds a group's weights: layer l is rank l mod R's; the embedding is rank 0's, and so is a tied output
  /// matrix, which is the same tensor; an untied head follows the last layer.
  public func owner(of group: WeightGroup, in blueprint: Blueprint) -> Int {
    switch group {
    case .embedding, .encoderEnd: 0
    case .layer(let index): owner(ofLayer: index)
    case .head: blueprint.head.isTied ? 0 : owner(ofLayer: blueprint.layers.count)
    }
  }
}
