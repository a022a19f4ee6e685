package import Artifacts
public import Blueprints
internal import Transformers

/// All gates of a model: the flat vectors that an optimizer moves, and their places in the model.
///
/// A gate has a logit z; a unit has a scale that belongs to its factor.
public struct GateRegistry: Sendable {
  /// The gated sublayers, as the residual stream meets them.
  public let modules: [any PrunableModule]
  /// `[gate]`
  public var logits: [Float]
  /// `[unit]`
  public var scales: [Float]
  /// What one gate opens.
  let granularity: GateGranularity
  private let layers: Int
  /// Of each module, the first of its gates and the first of its units.
  private let firstGates: [Int]
  private let firstUnits: [Int]
  /// The units of each gate in `scales`.
  let unitRanges: [Range<Int>]
  /// Parameters of each gate's units.
  let parameters: [Double]

  /// Gates that are all open, scales that change nothing.
  public init(_ blueprint: Blueprint, granularity: GateGranularity) {
    modules = blueprint.layers.enumerated().flatMap { index, layer in
      layer.prunableUnits(hiddenSize: blueprint.hiddenSize).map { units -> any PrunableModule in
        switch units.pool {
        case .attention: PrunableHeadAttention(units, layer: index, granularity: granularity)
        case .mlp: PrunableMLP(units, layer: index, granularity: granularity)
        }
      }
    }
    self.granularity = granularity
    layers = blueprint.layers.count
    firstGates = modules.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.gates) }
    let firstUnits = modules.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.units) }
    self.firstUnits = firstUnits
    unitRanges = zip(modules, firstUnits).flatMap { module, first in
      (0..<module.gates).map { gate in
        let units = module.units(ofGate: gate)
        return first + units.lowerBound..<first + units.upperBound
      }
    }
    parameters = modules.flatMap { module in
      (0..<module.gates).map { Double(module.units(ofGate: $0).count * module.parametersPerUnit) }
    }
    logits = Array(repeating: 1, count: firstGates.last ?? 0)
    scales = Array(repeating: 1, count: firstUnits.last ?? 0)
  }

  /// The gates of a module.
  func gates(of module: Int) -> Range<Int> { firstGates[module]..<firstGates[module + 1] }

  /// The units of a module in `scales`.
  func units(of module: Int) -> Range<Int> { firstUnits[module]..<firstUnits[module + 1] }

  /// One number per unit as factors of the model's units, by layer and sublayer.
  func modelGates(_ factors: [Float]) -> ModelGates {
    var gates = ModelGates(repeating: [:], count: layers)
    for (index, module) in modules.enumerated() {
      gates[module.layer][module.sublayer] = Array(factors[units(of: index)])
    }
    return gates
  }

  /// The factors' gradients by layer and sublayer as one flat vector, `[unit]`.
  func flat(_ gradients: [[Int: [Double]]]) -> [Float] {
    modules.flatMap { module in (gradients[module.layer][module.sublayer] ?? []).map { Float($0) } }
  }

  /// Names the unit at a place of the flat vector, for errors.
  public func unitName(_ index: Int) -> String {
    let module = modules.indices.last { firstUnits[$0] <= index } ?? 0
    let unit = index - firstUnits[module]
    let what = modules[module].pool == .attention ? "key-value head" : "neuron"
    return "layer \(modules[module].layer), \(what) \(unit)"
  }

  /// Each unit's gate's logit, `[unit]`.
  var unitLogits: [Float] {
    var values = [Float](repeating: 0, count: scales.count)
    for (gate, units) in unitRanges.enumerated() {
      for unit in units { values[unit] = logits[gate] }
    }
    return values
  }

  /// The logits as scores of units, so that an allocation can choose by them.
  ///
  /// A cut in depth ranks sublayers by score per parameter; a unit of a sublayer's gate scores the logit times its
  /// parameters, so that the ranking is by the logit, whatever the sublayers' sizes.
  package func scoreTable(metadata: ScoreTable.Metadata) -> ScoreTable {
    var values = unitLogits
    if granularity == .sublayer {
      for (index, module) in modules.enumerated() {
        for unit in units(of: index) { values[unit] *= Float(module.parametersPerUnit) }
      }
    }
    return ScoreTable(layers: table(of: values), metadata: metadata)
  }

  /// One number per unit by layer and pool.
  func table(of values: [Float]) -> [ScoreTable.Layer] {
    var table = Array(repeating: ScoreTable.Layer(attention: [], mlp: []), count: layers)
    for (index, module) in modules.enumerated() {
      switch module.pool {
      case .attention: table[module.layer].attention += values[units(of: index)]
      case .mlp: table[module.layer].mlp += values[units(of: index)]
      }
    }
    return table
  }
}
