package import Architectures
package import Artifacts
internal import Blueprints
internal import Transformers

/// What a run takes, from the model's shape, the document and the machines (DESIGN §2; docs/estimate.md has the formulas).
package struct RunEstimate: Sendable {
  let model: ModelShape
  let document: RunDocument
  let workload: RunWorkload
  let cluster: Cluster

  /// What is left of the layers after the cut, on average.
  let keptShare: Double

  /// - Parameter isCut: whether the model is what a cut left already.
  /// - Throws: ``RunDocumentError`` for more tokens than anything could count.
  package init(
    _ model: ModelShape, document: RunDocument, workload: RunWorkload, cluster: Cluster, isCut: Bool = false
  ) throws(RunDocumentError) {
    let widths = model.blueprint.layers.map {
      LayerFootprint($0, hiddenSize: model.blueprint.hiddenSize, isGated: true)
    }
    let perToken = widths.reduce(1.0) { $0 + Double($1.insidePerToken + $1.gradientsPerToken) }
    guard workload.mostTokens * perToken < 0x1p56, document.resources.microbatch ?? 0 < 1 << 30 else {
      throw RunDocumentError(
        .invalidValue, "the sequences have more tokens than any cluster holds; lower their count or their length")
    }
    self.model = model
    self.document = document
    self.workload = workload
    self.cluster = cluster
    keptShare = isCut ? 1 : 1 - document.allocation.sparsity
  }

  /// The phases that the document asks for, as `espalier generate` and then `espalier prune` run them.
  package var phases: [PhaseEstimate] {
    var phases = [load]
    if let generation { phases.append(generation) }
    func measure(_ name: String, isPruned: Bool = false) {
      guard let text = workload.evaluation else { return }
      phases.append(perplexity("evaluate \(name)", text, isPruned: isPruned))
    }
    measure("dense")
    phases.append(scoring)
    if workload.candidates > 1 { phases.append(selection) }
    let isTuned = workload.tuning != nil
    if isTuned { measure("one-shot") }
    if let tuning { phases.append(tuning) }
    let name = isTuned ? "gates" : "one-shot"
    if let recovery {
      phases.append(repacking("repack cut"))
      measure(name, isPruned: true)
      phases.append(recovery)
      phases.append(repacking("repack"))
      measure(isTuned ? "gates + LoRA" : "LoRA", isPruned: true)
    } else {
      phases.append(repacking("repack"))
      measure(name, isPruned: true)
    }
    return phases
  }

  /// Layers' weights are what a broadcast and a product take in proportion to.
  func layerShares() -> [Double] {
    let sizes = model.blueprint.layers.indices.map { layer in
      Double(model.blueprint.tensors(of: .layer(layer)).reduce(0) { $0 + $1.shape.reduce(1, *) })
    }
    let all = sizes.reduce(0, +)
    return sizes.map { all > 0 ? $0 / all : 0 }
  }

  var batchTokens: Int { document.resources.microbatch ?? Resources.automaticBatchTokens }

  /// Weights where the rank is that holds most.
  var residence: WeightResidence {
    let ranks = cluster.ranks
    guard cluster.broadcasts else { return WeightResidence(owner: nil, usesBFloat16: cluster.usesBFloat16) }
    // The embedding is rank 0's; an untied head follows the last layer.
    let candidates = Set([0, model.blueprint.layers.count % ranks]).map {
      WeightResidence(owner: ($0, ranks), usesBFloat16: cluster.usesBFloat16)
    }
    return candidates.max { $0.held(model) < $1.held(model) } ?? candidates[0]
  }

  /// The same for perplexity, which is measured in float32.
  var measuringResidence: WeightResidence {
    WeightResidence(owner: residence.owner, usesBFloat16: false)
  }

  /// Bytes that a rank may have; all there is where nothing is known.
  var availableBytes: Int { cluster.memory.map { $0 / cluster.ranksPerNode } ?? 1 << 62 }

  /// Whether mapped files stay in the memory of their node between sweeps, beside what ranks need.
  func staysInMemory(_ account: MemoryAccount) -> Bool {
    guard let memory = cluster.memory else { return true }
    return Double(model.byteCount) + Double(account.total) * Double(cluster.ranksPerNode) <= Double(memory)
  }
}
