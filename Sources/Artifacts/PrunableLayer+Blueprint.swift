public import Blueprints

extension PrunableLayer {
  /// What a blueprint's layer lets be pruned.
  public init(_ layer: LayerSpecification, hiddenSize: Int) {
    self.init(attentionUnits: 0, attentionParametersPerUnit: 0, mlpUnits: 0, mlpParametersPerUnit: 0)
    for units in layer.prunableUnits(hiddenSize: hiddenSize) {
      switch units.pool {
      case .attention: (attentionUnits, attentionParametersPerUnit) = (units.count, units.parametersPerUnit)
      case .mlp: (mlpUnits, mlpParametersPerUnit) = (units.count, units.parametersPerUnit)
      }
    }
  }
}

extension Blueprint {
  /// What every layer lets be pruned, in order.
  public var prunableLayers: [PrunableLayer] { layers.map { PrunableLayer($0, hiddenSize: hiddenSize) } }
}
