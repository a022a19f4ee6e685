internal import Blueprints

extension Model {
  /// The same model without its later layers: embedding, the first `count` layers, and the head. For models of one stack.
  /// The other layers' tensors stay in the folder, unused.
  public func keepingFirstLayers(_ count: Int) -> Model {
    precondition(blueprint.stacks.count == 1, "layers of several stacks depend on each other")
    precondition((1...blueprint.layers.count).contains(count), "\(count) of \(blueprint.layers.count) layers")
    var model = self
    model.blueprint.stacks[0].layers.removeLast(blueprint.layers.count - count)
    return model
  }
}
