internal import Blueprints

/// What holds the budget while gates are tuned.
public enum BudgetControl: String, Sendable, CaseIterable {
  /// Open gates are those that an allocation keeps by the logits' rank: the budget is met at every step.
  case rank
  /// A quadratic penalty on the distance of the open share from the target.
  case penalty
  /// The same with a multiplier that grows while the budget is missed (augmented Lagrangian).
  case lagrangian
  /// Nothing but the weights of the open shares.
  case none
}

/// The terms beside the task's loss: α · attention share + β · MLP share + what holds the budget (DESIGN §1, Gates).
struct BudgetTerms: Sendable {
  var attentionWeight: Double
  var mlpWeight: Double
  var control: BudgetControl
  var weight: Double
  /// The Lagrangian's multiplier.
  var multiplier = 0.0

  /// The terms' derivatives with respect to the open shares of both pools.
  ///
  /// With e the open share of all parameters less the target's, what holds the budget is w · e² (penalty) or
  /// λ · e + w/2 · e² (augmented Lagrangian).
  func slopes(_ shares: OpenShares, targetSparsity: Double) -> (attention: Double, mlp: Double) {
    let excess = shares.total - (1 - targetSparsity)
    let slope =
      switch control {
      case .rank, .none: 0.0
      case .penalty: 2 * weight * excess
      case .lagrangian: multiplier + weight * excess
      }
    let all = max(1, shares.parameters.attention + shares.parameters.mlp)
    return (
      attentionWeight + slope * shares.parameters.attention / all, mlpWeight + slope * shares.parameters.mlp / all
    )
  }

  /// How much of the weight the multiplier rises by in a step. The method of multipliers raises it by all of it after each
  /// minimization, of which one step is a small part: by all of it after each step, the open share swings around the
  /// target ever wider.
  private static let ascent = 0.02

  /// Raises the multiplier λ by what the budget is missed by.
  mutating func step(_ shares: OpenShares, targetSparsity: Double) {
    if control == .lagrangian { multiplier += Self.ascent * weight * (shares.total - (1 - targetSparsity)) }
  }
}

extension GateRegistry {
  /// Adds the gradients of terms whose derivatives by the pools' open shares are given: each gate weighs its parameters'
  /// part of its pool.
  func addShareGradients(
    attention: Double, mlp: Double, shares: OpenShares, function: GateFunction, to gradients: inout [Float]
  ) {
    for (index, module) in modules.enumerated() {
      let (slope, all) =
        module.pool == .attention ? (attention, shares.parameters.attention) : (mlp, shares.parameters.mlp)
      guard slope != 0, all > 0 else { continue }
      for gate in gates(of: index) {
        gradients[gate] += Float(slope * parameters[gate] / all) * function.slope(logits[gate])
      }
    }
  }
}
