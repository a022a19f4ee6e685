import Architectures
import Blueprints
import Repacking
import TestSupport

extension Blueprint {
  /// Factors of all units, one call for each.
  func unitFactors(_ factor: (PrunableUnits) -> Float) -> [[Int: [Float]]] {
    layers.map { layer in
      Dictionary(
        uniqueKeysWithValues: layer.prunableUnits(hiddenSize: hiddenSize).map { units in
          (units.sublayer, (0..<units.count).map { _ in factor(units) })
        })
    }
  }
}

extension TensorEdits {
  /// Factors between 0.3 and 1.7 for all units, and updates of rank 3 for all matrices of the layers.
  static func random(for model: Model, seed: UInt64) -> TensorEdits {
    TensorEdits(factors: randomFactors(for: model, seed: seed), lowRank: randomUpdates(for: model, seed: seed + 1))
  }

  static func randomFactors(for model: Model, seed: UInt64) -> [[Int: [Float]]] {
    var generator = SeededGenerator(seed: seed)
    return model.blueprint.unitFactors { _ in Float.random(in: 0.3...1.7, using: &generator) }
  }

  static func randomUpdates(for model: Model, seed: UInt64) -> [TensorRole: LowRankUpdate] {
    var generator = SeededGenerator(seed: seed)
    var updates: [TensorRole: LowRankUpdate] = [:]
    for (_, specification) in model.specifications where specification.shape.count == 2 {
      guard case .layer = specification.role.group else { continue }
      updates[specification.role] = LowRankUpdate(
        rank: 3, a: (0..<3 * specification.shape[1]).map { _ in Float.random(in: -0.2...0.2, using: &generator) },
        b: (0..<specification.shape[0] * 3).map { _ in Float.random(in: -0.2...0.2, using: &generator) }, scale: 2)
    }
    return updates
  }
}

extension LowRankUpdate {
  /// scale · B · A, `[out, in]`.
  func product(width: Int) -> [Float] {
    (0..<b.count / rank).flatMap { row in
      (0..<width).map { column in
        scale * (0..<rank).reduce(0) { $0 + b[row * rank + $1] * a[$1 * width + column] }
      }
    }
  }
}
