internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Repacking

extension SavedState {
  /// What recovery learned of a model's matrices, by the names of the checkpoint.
  init(_ updates: [TensorRole: LowRankUpdate], of model: Model) {
    self.init()
    for (name, specification) in model.specifications {
      guard let update = updates[specification.role] else { continue }
      arrays[name + ".a"] = update.a
      arrays[name + ".b"] = update.b
      values[name] = "\(update.rank) \(update.scale.bitPattern)"
    }
  }

  /// The same, for a model of the same tensors.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` when the state is of another kind.
  func updates(of model: Model) throws(ArtifactError) -> [TensorRole: LowRankUpdate] {
    var updates: [TensorRole: LowRankUpdate] = [:]
    for (name, specification) in model.specifications {
      guard let value = values[name] else { continue }
      let numbers = value.split(separator: " ")
      guard numbers.count == 2, let rank = Int(numbers[0]), let scale = UInt32(numbers[1]), let a = arrays[name + ".a"],
        let b = arrays[name + ".b"]
      else {
        throw ArtifactError(code: .mismatch, message: "the saved update of \(name) is none; start over (--fresh)")
      }
      updates[specification.role] = LowRankUpdate(rank: rank, a: a, b: b, scale: Float(bitPattern: scale))
    }
    return updates
  }
}
