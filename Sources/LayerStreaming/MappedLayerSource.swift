internal import Tensors
public import Communication
public import Architectures
public import Blueprints
public import Transformers

/// Weights straight from the mapped files of a checkpoint folder.
///
/// Ranks on one host share the pages that the system keeps of a file, so a model is in memory once however many ranks
/// there are. The kernel is told to read ahead what the schedule will ask for next. Weights that are no finite numbers end
/// the pass that first asks for them.
public final class MappedLayerSource: LayerSource {
  private let model: Model
  private let check: WeightCheck
  private var upcoming: ArraySlice<WeightGroup> = []

  private var steps: PassSteps

  /// - Parameters:
  ///   - check: the run's; collective where the passes are.
  ///   - trace: gets the layers that are computed.
  public init(_ model: Model, check: WeightCheck = WeightCheck(), trace: Trace? = nil) {
    self.model = model
    self.check = check
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
    let weights = try steps.next(group) { try model.weights(of: group) }
    try check.requireFiniteEverywhere(group, of: model)
    return weights
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
