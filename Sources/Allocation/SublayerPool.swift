internal import Artifacts

/// The pool of a depth cut: whole sublayers, attention and MLPs of all layers together, in a fixed order of steps.
///
/// A sublayer's worth is the mean score of its parameters: the sum of its units' scores over its parameters. The lowest goes
/// first, ties by (layer, attention before MLP). What k steps remove, k + 1 steps remove too: plans are nested.
///
/// Never removed are layer 0's attention, whose key-value cache tells transformers how long the text is, and of each kind the
/// last one that the model has.
struct SublayerPool {
  private struct Sublayer {
    var layer: Int
    var isAttention: Bool
    var parameters: Int
    var worth: Double
  }

  private let layers: [PrunableLayer]
  /// `[step]`
  private var removals: [Sublayer] = []
  /// `[steps + 1]`: parameters that the first k steps remove, strictly rising.
  private(set) var parameters: [Int] = [0]

  /// Parameters of all that may be removed.
  var removable: Int { parameters.last ?? 0 }

  /// Orders the steps. The caller has checked that scores are finite and that parameter sums fit.
  ///
  /// - Parameters:
  ///   - scores: of every unit, `[layer]`.
  ///   - layers: of the model that was scored.
  init(_ scores: [ScoreTable.Layer], layers: [PrunableLayer]) {
    self.layers = layers
    let sublayers = zip(scores, layers).enumerated().flatMap { index, pair in
      let (scores, layer) = pair
      return [
        Self.sublayer(index, true, scores.attention, parametersPerUnit: layer.attentionParametersPerUnit),
        Self.sublayer(index, false, scores.mlp, parametersPerUnit: layer.mlpParametersPerUnit),
      ].filter { $0.parameters > 0 }
    }
    var left = (attention: sublayers.count(where: \.isAttention), mlp: sublayers.count { !$0.isAttention })
    let order = sublayers.enumerated().sorted { ($0.element.worth, $0.offset) < ($1.element.worth, $1.offset) }
    for (_, sublayer) in order {
      if sublayer.isAttention {
        guard sublayer.layer > 0, left.attention > 1 else { continue }
        left.attention -= 1
      } else {
        guard left.mlp > 1 else { continue }
        left.mlp -= 1
      }
      removals.append(sublayer)
      parameters.append(removable + sublayer.parameters)
    }
  }

  /// How many steps come nearest to a budget, the fewer of two equally near: the next one would lead away from it.
  func steps(nearest budget: Double) -> Int { BudgetSplit.steps(parameters, nearest: budget) }

  /// What is left after `count` steps, `[layer]`: all units of a sublayer or none.
  func kept(after count: Int) -> [PruningPlan.Layer] {
    var kept = layers.map { PruningPlan.Layer(attention: Array(0..<$0.attentionUnits), mlp: Array(0..<$0.mlpUnits)) }
    for sublayer in removals[..<count] {
      if sublayer.isAttention { kept[sublayer.layer].attention = [] } else { kept[sublayer.layer].mlp = [] }
    }
    return kept
  }

  private static func sublayer(
    _ layer: Int, _ isAttention: Bool, _ scores: [Float], parametersPerUnit: Int
  ) -> Sublayer {
    let parameters = scores.count * parametersPerUnit
    let sum = scores.reduce(0.0) { $0 + Double($1) }
    return Sublayer(
      layer: layer, isAttention: isAttention, parameters: parameters, worth: sum / Double(max(1, parameters)))
  }
}
