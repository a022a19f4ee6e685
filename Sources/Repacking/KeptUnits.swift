public import Artifacts
public import Blueprints
internal import Tensors

extension PruningPlan.Layer {
  /// The kept units of a pool, ascending.
  public func kept(_ pool: UnitPool) -> [Int] {
    switch pool {
    case .attention: attention
    case .mlp: mlp
    }
  }
}

extension Blueprint {
  /// The blueprint of the model that a plan leaves.
  public func keeping(_ plan: PruningPlan) -> Blueprint {
    var pruned = self
    var index = 0
    for stack in pruned.stacks.indices {
      for layer in pruned.stacks[stack].layers.indices {
        let kept = plan.layers[index]
        for sublayer in pruned.stacks[stack].layers[layer].sublayers.indices {
          pruned.stacks[stack].layers[layer].sublayers[sublayer].kind.keep(kept)
        }
        index += 1
      }
    }
    return pruned
  }

  /// A plan as factors of the dense model's units: 1 for kept ones, 0 for removed ones.
  ///
  /// A masked model computes what the repacked one does.
  public func mask(_ plan: PruningPlan) -> [[Int: [Float]]] {
    factors { layer, units in
      var factors = [Float](repeating: 0, count: units.count)
      for unit in plan.layers[layer].kept(units.pool) { factors[unit] = 1 }
      return factors
    }
  }

  /// Tuned gates as factors of the dense model's units, in the form of ``mask(_:)``.
  ///
  /// The gated model computes what the one does that is repacked with these as ``TensorEdits/factors``.
  public func factors(_ gates: GateValues) -> [[Int: [Float]]] {
    factors { layer, units in
      switch units.pool {
      case .attention: gates.layers[layer].attention.factors
      case .mlp: gates.layers[layer].mlp.factors
      }
    }
  }

  private func factors(_ ofUnits: (_ layer: Int, PrunableUnits) -> [Float]) -> [[Int: [Float]]] {
    layers.enumerated().map { index, layer in
      var factors: [Int: [Float]] = [:]
      for units in layer.prunableUnits(hiddenSize: hiddenSize) { factors[units.sublayer] = ofUnits(index, units) }
      return factors
    }
  }

  /// A layer that begins a stack and has an attention sublayer without a head, whose empty key-value cache loaders would
  /// take for an empty text.
  var firstLayerWithoutAttention: Int? {
    var index = 0
    for stack in stacks {
      let isBroken = stack.layers.first?.sublayers.contains { sublayer in
        if case .attention = sublayer.kind { sublayer.isAbsent } else { false }
      }
      if isBroken == true { return index }
      index += stack.layers.count
    }
    return nil
  }
}

extension SublayerSpecification.Kind {
  fileprivate mutating func keep(_ layer: PruningPlan.Layer) {
    switch self {
    case .attention(var attention):
      let group = attention.groupSize
      attention.keyValueHeads = layer.attention.count
      attention.queryHeads = layer.attention.count * group
      self = .attention(attention)
    case .mlp(var mlp):
      mlp.width = layer.mlp.count
      self = .mlp(mlp)
    }
  }
}

/// Which part of a tensor a pruned model keeps: runs of indices along one axis.
struct TensorCut: Equatable {
  let axis: UnitAxis
  /// Ascending, apart from each other: units that follow each other are one run.
  let runs: [Range<Int>]

  /// The cut of a tensor in a role, or nil when it belongs to no unit and stays whole.
  init?(_ role: TensorRole, in blueprint: Blueprint, plan: PruningPlan) {
    guard case .layer(let index) = role.group else { return nil }
    for units in blueprint.layers[index].prunableUnits(hiddenSize: blueprint.hiddenSize)
    where units.sublayer == role.sublayer {
      guard let slice = units.slices.first(where: { $0.part == role.part }) else { continue }
      axis = slice.axis
      runs = Self.runs(of: plan.layers[index].kept(units.pool), width: slice.width)
      return
    }
    return nil
  }

  private static func runs(of units: [Int], width: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for unit in units {
      let range = unit * width..<(unit + 1) * width
      if let last = runs.last, last.upperBound == range.lowerBound {
        runs[runs.count - 1] = last.lowerBound..<range.upperBound
      } else {
        runs.append(range)
      }
    }
    return runs
  }
}
