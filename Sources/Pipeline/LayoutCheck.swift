internal import Allocation
internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Repacking

/// Whether a run can end with `repacking.layout: native`, told before any work: how many units `uniform` keeps in each layer
/// follows from the document alone, whatever the scores will be.
struct LayoutCheck {
  let document: RunDocument
  let model: ModelShape

  /// Refuses a native layout that the document's allocation cannot leave.
  ///
  /// - Throws: ``RunDocumentError`` with what to set; ``AllocationError`` for an allocation that is impossible.
  func requireReachable() throws {
    guard document.repacking.layout == .native else { return }
    guard document.allocation.method == .uniform else {
      throw Self.conflict(
        "native needs layers of one shape; set allocation.method: uniform, or repacking.layout: per-layer")
    }
    switch try obstacle(document.allocationSettings) {
    case nil: return
    case .unequalLayers:
      throw Self.conflict(
        "native needs layers of one shape, and this model's differ already; set repacking.layout: per-layer, or auto")
    case .ofFamily(let reason):
      let advice = loadableGamma.map { "allocation.gamma: \($0), or another allocation.sparsity" }
      throw Self.conflict(
        "native: \(reason); set \(advice ?? "another allocation.sparsity"), or repacking.layout: auto")
    }
  }

  /// Refuses a native layout that a plan does not leave, or that the model kept whole does not have.
  func requireReachable(_ plan: PruningPlan?) throws {
    guard document.repacking.layout == .native else { return }
    let pruned = plan.map(model.blueprint.keeping) ?? model.blueprint
    guard let obstacle = pruned.obstacleToNative(model) else { return }
    throw Self.conflict("native: \(obstacle.description); set repacking.layout: per-layer, or auto")
  }

  /// The plan's layers with any scores.
  static func planWithoutScores(of layers: [PrunableLayer], settings: AllocationSettings) throws -> PruningPlan {
    let zeros = layers.map { layer in
      ScoreTable.Layer(
        attention: Array(repeating: 0, count: layer.attentionUnits), mlp: Array(repeating: 0, count: layer.mlpUnits))
    }
    let metadata = ScoreTable.Metadata(criterion: "", objective: "", accumulation: "", modelHash: "", dataHash: "")
    return try Allocation.allocate(ScoreTable(layers: zeros, metadata: metadata), layers: layers, settings: settings)
  }

  private func obstacle(_ settings: AllocationSettings) throws -> NativeObstacle? {
    let blueprint = model.blueprint
    let plan = try Self.planWithoutScores(of: blueprint.prunableLayers, settings: settings)
    return blueprint.keeping(plan).obstacleToNative(model)
  }

  /// The nearest of some ratios that leaves a shape which loads; nil where none does.
  private var loadableGamma: Double? {
    var settings = document.allocationSettings
    let own = settings.gamma ?? 1
    for gamma in [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20].sorted(by: { abs($0 - own) < abs($1 - own) }) {
      settings.gamma = gamma
      // One that the floors forbid is passed over.
      do { if try obstacle(settings) == nil { return gamma } } catch { continue }
    }
    return nil
  }

  private static func conflict(_ message: String) -> RunDocumentError {
    RunDocumentError(.conflict, "repacking.layout: \(message)")
  }
}

extension RunDocument {
  /// How units are chosen. Gates in blocks keep whole blocks, and so does the plan that they start from.
  var allocationSettings: AllocationSettings {
    let method: AllocationSettings.Method =
      switch allocation.method {
      case .global: .global
      case .uniform: .uniform
      case .depth: .depth
      }
    let isInBlocks = tuning.steps > 0 && tuning.granularity == .block
    return AllocationSettings(
      method: method, sparsity: allocation.sparsity, gamma: allocation.gamma,
      roundTo: isInBlocks ? tuning.block : allocation.roundTo, groupsNeurons: isInBlocks)
  }
}
