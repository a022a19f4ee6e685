internal import Architectures
internal import Blueprints
internal import Communication
internal import LayerStreaming
internal import Tensors
internal import Transformers

extension MemoryAccount {
  /// Adds the weights of a model that is needed in every step.
  ///
  /// - Parameter isKeeping: whether they stay from step to step (`WidenedWeights`).
  mutating func add(_ model: ModelShape, _ weights: WeightResidence, head: HeadPass.Footprint, isKeeping: Bool) {
    let held = weights.held(model)
    self[.weightsHeld] += held
    self[.weightsInFlight] = max(self[.weightsInFlight], weights.inFlight(model))
    let widened = model.blueprint.layers.indices.map { weights.widened(model, layer: $0) }
    guard isKeeping else {
      self[.layerWeights] = max(self[.layerWeights], widened.max() ?? 0)
      self[.head] += weights.headMatrix(model, head)
      return
    }
    self[.weightsKept] += widened.reduce(0, +) + weights.headMatrix(model, head)
    // What other ranks own stays as it was received where it is multiplied as it is, or read row by row.
    let stays = model.blueprint.groups.filter { if case .layer = $0 { weights.usesBFloat16 } else { true } }
    if let owner = weights.owner, owner.ranks > 1 {
      self[.weightsKept] += max(0, stays.reduce(0) { $0 + model.byteCount(of: $1) } - held)
    }
  }
}

/// Where a rank's weights are and how it multiplies them: what the memory of any pass over a model depends on.
package struct WeightResidence: Sendable {
  /// This rank of those that share the model; nil when weights come from mapped files.
  package var owner: (rank: Int, ranks: Int)?
  /// Whether bf16 weights are multiplied as they are.
  package var usesBFloat16: Bool

  package init(owner: (rank: Int, ranks: Int)?, usesBFloat16: Bool) {
    self.owner = owner
    self.usesBFloat16 = usesBFloat16
  }

  /// Bytes of this rank's share; a tied output matrix is the embedding.
  func held(_ model: ModelShape) -> Int {
    guard let owner else { return 0 }
    let partition = Partition(ranks: owner.ranks)
    let own = model.blueprint.groups.filter { partition.owner(of: $0, in: model.blueprint) == owner.rank }
    var bytes: [String: Int] = [:]
    for tensor in own.flatMap({ model.blueprint.tensors(of: $0) }) {
      bytes[model.name(of: tensor)] = model.byteCount(of: tensor)
    }
    return bytes.values.reduce(0, +)
  }

  /// Bytes of the groups that are on their way: two fetched ahead, one in use. A single owner has them all.
  func inFlight(_ model: ModelShape) -> Int {
    guard let owner, owner.ranks > 1 else { return 0 }
    return 3 * (model.blueprint.groups.map { model.byteCount(of: $0) }.max() ?? 0)
  }

  /// Bytes that a layer's weights take beside where they are stored: float32 copies of what is not multiplied as it is.
  func widened(_ model: ModelShape, layer: Int) -> Int {
    model.blueprint.tensors(of: .layer(layer)).reduce(0) { sum, tensor in
      sum + (isUsedAsStored(model, tensor) ? 0 : MemoryAccount.floats(tensor.shape.reduce(1, *)))
    }
  }

  /// Bytes of the head for a batch.
  ///
  /// - Parameter logits: how many matrices of logits exist at a time.
  func head(_ model: ModelShape, _ footprint: HeadPass.Footprint, logits: Int) -> Int {
    headMatrix(model, footprint) + MemoryAccount.floats(logits * footprint.logits + footprint.states)
  }

  /// Bytes of the output matrix, or of its part, where it is widened.
  func headMatrix(_ model: ModelShape, _ footprint: HeadPass.Footprint) -> Int {
    let isUsed = model.blueprint.tensors(of: .head).contains {
      $0.role.part == .headWeight && isUsedAsStored(model, $0)
    }
    return isUsed ? 0 : MemoryAccount.floats(footprint.outputMatrix)
  }

  /// Bytes of activations rounded to bf16: as first factor of products, of which those with the head may be wider, and as
  /// second.
  func roundedFactors(_ layers: [LayerFootprint], batchTokens: Int, logits: Int) -> Int {
    guard usesBFloat16 else { return 0 }
    let widest = batchTokens * (layers.map(\.widestPerToken).max() ?? 0)
    return MemoryAccount.floats(max(widest, logits) + widest) / 2
  }

  private func isUsedAsStored(_ model: ModelShape, _ tensor: TensorSpecification) -> Bool {
    usesBFloat16 && tensor.shape.count == 2 && model.elementType(of: tensor) == .bfloat16
  }
}
