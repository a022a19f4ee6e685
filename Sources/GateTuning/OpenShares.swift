internal import Blueprints

/// How much of the prunable parameters is open, from 0 to 1.
public struct OpenShares: Sendable, Equatable {
  public var attention: Double
  public var mlp: Double
  /// Of both together.
  public var total: Double
  /// Parameters of both pools.
  let parameters: (attention: Double, mlp: Double)

  public static func == (a: OpenShares, b: OpenShares) -> Bool {
    (a.attention, a.mlp, a.total) == (b.attention, b.mlp, b.total)
  }

  /// 1 − the open share.
  public var sparsity: Double { 1 - total }

  /// The MLP's closed share over attention's: the γ that an allocation needs to leave the same shares.
  ///
  /// Neither share may be empty for a ratio, so both count at least a thousandth of one unit in a million.
  public var gamma: Double { max(1 - mlp, 1e-9) / max(1 - attention, 1e-9) }
}

extension GateRegistry {
  /// The shares under gates as open as `openness` `[gate]`, every gate weighted by its parameters.
  func shares(openness: [Float]) -> OpenShares {
    var (open, all) = ((attention: 0.0, mlp: 0.0), (attention: 0.0, mlp: 0.0))
    for (index, module) in modules.enumerated() {
      for gate in gates(of: index) {
        let weight = parameters[gate]
        switch module.pool {
        case .attention:
          open.attention += weight * Double(openness[gate])
          all.attention += weight
        case .mlp:
          open.mlp += weight * Double(openness[gate])
          all.mlp += weight
        }
      }
    }
    return OpenShares(
      attention: all.attention > 0 ? open.attention / all.attention : 1,
      mlp: all.mlp > 0 ? open.mlp / all.mlp : 1,
      total: all.attention + all.mlp > 0 ? (open.attention + open.mlp) / (all.attention + all.mlp) : 1, parameters: all)
  }
}
