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

  /// Whether all layers are of one shape, so that the family's own configuration can say it.
  public var isUniform: Bool { layers.allSatisfy { $0 == layers[0] } }

  /// A plan as factors of the dense model's units: 1 for kept ones, 0 for removed ones.
  ///
  /// A masked model computes what the repacked one does.
  public func mask(_ plan: PruningPlan) -> [[Int: [Float]]] {
    zip(layers, plan.layers).map { layer, kept in
      var mask: [Int: [Float]] = [:]
      for units in layer.prunableUnits(hiddenSize: hiddenSize) {
        var factors = [Float](repeating: 0, count: units.count)
        for unit in kept.kept(units.pool) { factors[unit] = 1 }
        mask[units.sublayer] = factors
      }
      return mask
    }
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
