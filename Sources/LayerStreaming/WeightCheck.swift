public import Architectures
public import Blueprints
internal import Tensors

/// Makes sure that a run's weights are finite numbers: every tensor once, when its bytes are first read, so that what is
/// named is the tensor that has the fault, before anything is computed from it.
public final class WeightCheck {
  /// A group of one of the run's models, by the file of its first tensor.
  private struct Place: Hashable {
    let file: String
    let group: WeightGroup
  }

  private let together: (_ body: () throws -> Void) throws -> Void
  /// What all ranks know to be finite; the same on every rank.
  private var agreed: Set<Place> = []
  /// What this rank has looked at, by file and name: a tied output matrix is the embedding.
  private var seen: Set<[String]> = []

  /// - Parameter together: runs a step on every rank so that all learn of a failure anywhere; alone by default.
  public init(together: @escaping (_ body: () throws -> Void) throws -> Void = { try $0() }) {
    self.together = together
  }

  /// Makes sure that a group's weights are finite, on every rank: collective, in the same order on all of them.
  ///
  /// - Throws: ``StorageError`` with code `notFinite`, as `together` shares it.
  func requireFiniteEverywhere(_ group: WeightGroup, of model: Model) throws {
    guard let first = model.blueprint.tensors(of: group).first else { return }
    let place = Place(file: try model.tensor(first).path ?? "", group: group)
    guard !agreed.contains(place) else { return }
    try together { try requireFinite(group, of: model) }
    agreed.insert(place)
  }

  /// Makes sure that a group's weights are finite, on this rank.
  ///
  /// - Throws: ``StorageError`` with code `notFinite` naming the first tensor and element that are not.
  public func requireFinite(_ group: WeightGroup, of model: Model) throws {
    for specification in model.blueprint.tensors(of: group) {
      let tensor = try model.tensor(specification)
      let place = [tensor.path ?? "", tensor.name]
      guard !seen.contains(place) else { continue }
      try tensor.requireFinite()
      seen.insert(place)
    }
  }
}
