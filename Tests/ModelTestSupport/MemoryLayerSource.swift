public import Architectures
public import Blueprints
internal import LayerStreaming
internal import Tensors
public import Transformers

/// A model's weights as numbers in memory, to be changed one by one.
///
/// It also notes what it was asked for.
public final class MemoryLayerSource: LayerSource {
  private let model: Model
  /// The weights by role, row by row.
  public var values: [TensorRole: [Float]] = [:]
  public private(set) var requests: [WeightGroup] = []

  public init(_ model: Model) throws {
    self.model = model
    for group in model.blueprint.groups {
      for (role, tensor) in try model.weights(of: group).all { values[role] = try tensor.floats() }
    }
  }

  public func begin(_ schedule: [WeightGroup]) { requests = [] }

  public func weights(of group: WeightGroup) throws -> GroupWeights {
    requests.append(group)
    var tensors: [TensorRole: StoredTensor] = [:]
    for specification in model.blueprint.tensors(of: group) {
      tensors[specification.role] = try StoredTensor(
        name: model.name(of: specification.role), elementType: .float32, shape: Shape(specification.shape),
        values: values[specification.role] ?? [])
    }
    return GroupWeights(group: group, tensors: tensors)
  }
}
