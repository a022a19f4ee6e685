internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Tensors

extension Repacker {
  /// Hands the bytes of a tensor as the checkpoint has them to `emit`, in order: cut and changed as plan and edits say.
  func forEachPiece(
    of specification: TensorSpecification, emit: (RawSpan) throws -> Void
  ) throws {
    let tensor = try model.tensor(specification)
    let cut = plan.flatMap { TensorCut(specification.role, in: model.blueprint, plan: $0) }
    let update = edits.lowRank[specification.role]
    let factors = columnFactors(of: specification.role)
    if update != nil || factors != nil {
      try EditedTensor(tensor: tensor, cut: cut, factors: factors, update: update).forEachPiece(emit)
    } else if let cut {
      try cut.forEachPiece(of: tensor, emit)
    } else {
      try tensor.requireFinite()
      try emit(tensor.bytes)
    }
  }

  /// A factor for each column of a tensor that reads units' activations; nil for others, and where no kept unit's differs
  /// from 1.
  private func columnFactors(of role: TensorRole) -> [Float]? {
    guard let factors = edits.factors, case .layer(let layer) = role.group else { return nil }
    let declared = model.blueprint.layers[layer].prunableUnits(hiddenSize: model.blueprint.hiddenSize)
    for units in declared where units.sublayer == role.sublayer {
      guard let slice = units.slices.first(where: { $0.part == role.part && $0.isOutput }),
        let own = factors[layer][units.sublayer]
      else { continue }
      let kept = plan?.layers[layer].kept(units.pool) ?? Array(0..<units.count)
      guard kept.contains(where: { own[$0] != 1 }) else { return nil }
      return own.flatMap { Array(repeating: $0, count: slice.width) }
    }
    return nil
  }

  /// Checks that edits are of this model's shapes.
  func requireFittingEdits() throws(CheckpointError) {
    if let factors = edits.factors {
      let layers = model.blueprint.layers
      guard factors.count == layers.count else {
        throw Self.misfit("factors are of \(factors.count) layers but the model has \(layers.count)")
      }
      for (index, layer) in layers.enumerated() {
        for units in layer.prunableUnits(hiddenSize: model.blueprint.hiddenSize) {
          let count = factors[index][units.sublayer]?.count ?? units.count
          guard count == units.count else {
            throw Self.misfit(
              "layer \(index), sublayer \(units.sublayer): \(count) factors but the model has \(units.count) units")
          }
        }
      }
    }
    let shapes = Dictionary(uniqueKeysWithValues: model.specifications.map { ($0.specification.role, $0) })
    // In order, so that every rank reports the same of several.
    for (role, update) in edits.lowRank.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      guard let (name, specification) = shapes[role], specification.shape.count == 2 else {
        throw Self.misfit("\(role): a low-rank update needs a matrix of the model that is not tied to another")
      }
      let (rows, width) = (specification.shape[0], specification.shape[1])
      guard update.rank > 0, update.a.count == update.rank * width, update.b.count == rows * update.rank else {
        throw Self.misfit(
          "tensor \(OneLine.quoted(name)) of shape \(Shape(specification.shape)): a low-rank update of rank "
            + "\(update.rank) with \(update.a.count) and \(update.b.count) numbers does not fit")
      }
    }
  }

  private static func misfit(_ what: String) -> CheckpointError {
    CheckpointError(.wrongShape, "\(what); tune or recover this model again")
  }
}
