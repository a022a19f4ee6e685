extension PruningPlan {
  /// The plan itself, once it is known to fit the model.
  ///
  /// - Parameters:
  ///   - model: the prunable parts of the model to be cut.
  ///   - modelHash: that model's hash; nil leaves the hash unchecked.
  ///   - file: the name that errors carry.
  /// - Throws: `mismatch` for another model's hash, layer count or parameter count, `invalidIndex` and `belowFloor`
  ///   naming layer and index: each layer keeps at least `round_to` neurons, or all it has where it has fewer, or none. A
  ///   list without units takes the whole attention or MLP out of the layer; a plan of the method `depth` has no other
  ///   floor, but keeps all units of a list or none.
  @discardableResult
  public func checked(
    against model: [PrunableLayer], modelHash: String? = nil, file: String = "plan.json"
  ) throws(ArtifactError) -> PruningPlan {
    do throws(ArtifactError) {
      try checkForm()
      if let modelHash, modelHash != self.modelHash {
        throw ArtifactError(
          code: .mismatch,
          message: "model_hash is \(self.modelHash.quotedForMessage) but the model's is \(modelHash.quotedForMessage); "
            + "use the model that was scored, or make the plan again")
      }
      guard layers.count == model.count else {
        throw ArtifactError(
          code: .mismatch,
          message: "has \(layers.count) layers but the model has \(model.count); make the plan again for this model")
      }
      for (index, (kept, layer)) in zip(layers, model).enumerated() {
        let (attention, mlp) = (layer.attentionUnits, layer.mlpUnits)
        // A sublayer that a depth cut keeps is kept whole.
        let isDepth = allocation.method == "depth"
        try Self.check(kept.attention, units: attention, floor: isDepth ? attention : 0, "layers[\(index)].attention")
        try Self.check(
          kept.mlp, units: mlp, floor: isDepth ? mlp : min(allocation.roundTo, mlp), "layers[\(index)].mlp")
      }
      let counted = try SparsityReport(plan: self, model: model).sparsity
      guard abs(counted - achievedSparsity) <= 1e-6 else {
        throw ArtifactError(
          code: .mismatch,
          message: "achieved_sparsity is \(achievedSparsity) but the kept units make \(counted); make the plan again")
      }
    } catch {
      throw error.located(in: file)
    }
    return self
  }

  /// What can be told without the model: the version, numbers in range, indices ascending from 0.
  func checkForm() throws(ArtifactError) {
    guard formatVersion == Self.currentFormatVersion else {
      throw ArtifactError(
        code: .unsupportedVersion,
        message: "format_version is \(formatVersion) but this program reads \(Self.currentFormatVersion)")
    }
    for (name, value) in [("requested_sparsity", requestedSparsity), ("achieved_sparsity", achievedSparsity)]
    where !(value >= 0 && value < 1) {
      throw ArtifactError(code: .notFinite, message: "\(name) is \(value) but must be at least 0 and below 1")
    }
    guard allocation.gamma.isFinite, allocation.gamma > 0 else {
      throw ArtifactError(code: .notFinite, message: "allocation.gamma is \(allocation.gamma) but must be above 0")
    }
    guard allocation.roundTo >= 1 else {
      throw ArtifactError(
        code: .invalidShape, message: "allocation.round_to is \(allocation.roundTo) but must be at least 1")
    }
    for (index, layer) in layers.enumerated() {
      try Self.checkAscending(layer.attention, "layers[\(index)].attention")
      try Self.checkAscending(layer.mlp, "layers[\(index)].mlp")
    }
  }

  private static func checkAscending(_ kept: [Int], _ place: String) throws(ArtifactError) {
    var previous = -1
    for (position, unit) in kept.enumerated() {
      guard unit >= 0 else {
        throw ArtifactError(
          code: .invalidIndex, message: "\(place)[\(position)] is \(unit) but units count from 0; correct the plan")
      }
      guard unit > previous else {
        throw ArtifactError(
          code: .invalidIndex,
          message: "\(place)[\(position)] is \(unit) after \(previous) but indices must ascend without repeats; "
            + "correct the plan")
      }
      previous = unit
    }
  }

  private static func check(_ kept: [Int], units: Int, floor: Int, _ place: String) throws(ArtifactError) {
    // Ascending is known, so the first index past the end is enough.
    if let position = kept.firstIndex(where: { $0 >= units }) {
      throw ArtifactError(
        code: .invalidIndex,
        message: "\(place)[\(position)] is \(kept[position]) but the model's layer has \(units) units; "
          + "make the plan again for this model")
    }
    guard kept.isEmpty || kept.count >= floor else {
      throw ArtifactError(
        code: .belowFloor,
        message: "\(place) keeps \(kept.count) of \(units) units but must keep at least \(floor); correct the plan")
    }
  }
}
