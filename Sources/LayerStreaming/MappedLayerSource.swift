internal import Tensors
public import Communication
public import Architectures
public import Blueprints
public import Transformers

/// Weights straight from the mapped files of a checkpoint folder.
///
/// Ranks on one host share the pages that the system keeps of a file, so a model is in memory once however many ranks
/// there are. The kernel is told to read ahead what the schedule will ask for next.
public final class MappedLayerSource: LayerSource {
  private let model: Model
  private var upcoming: ArraySlice<WeightGroup> = []

  private var steps: PassSteps

  /// - Parameter trace: gets the layers that are computed.
  public init(_ model: Model, trace: Trace? = nil) {
    self.model = model
    steps = PassSteps(trace)
  }

  public func begin(_ schedule: [WeightGroup]) {
    upcoming = schedule[...]
    steps.begin()
  }

  public func weights(of group: WeightGroup) throws -> GroupWeights {
    if upcoming.first == group { upcoming.removeFirst() }
    if let next = upcoming.first {
      for specification in model.blueprint.tensors(of: next) { try model.tensor(specification).prefetch() }
    }
    return try steps.next(group) { try model.weights(of: group) }
  }
}

extension Model {
  /// A group's tensors, mapped.
  public func weights(of group: WeightGroup) throws -> GroupWeights {
    var tensors: [TensorRole: StoredTensor] = [:]
    for specification in blueprint.tensors(of: group) { tensors[specification.role] = try tensor(specification) }
    return GroupWeights(group: group, tensors: tensors)
  }
}
