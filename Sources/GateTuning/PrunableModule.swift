public import Blueprints

/// How many units share one gate.
public enum GateGranularity: Sendable, Equatable {
  /// A gate per key-value head and per neuron.
  case unit
  /// A gate per key-value head and per so many neurons that follow each other.
  case block(neurons: Int)
  /// One gate per sublayer: a cut in depth.
  case sublayer
}

/// A sublayer whose units have gates: it knows which units a gate opens and what they weigh.
public protocol PrunableModule: Sendable {
  /// The pool that its units compete in.
  var pool: UnitPool { get }
  var layer: Int { get }
  /// Which sublayer of the layer.
  var sublayer: Int { get }
  var units: Int { get }
  var parametersPerUnit: Int { get }
  /// Units per gate; the last gate may have fewer.
  var unitsPerGate: Int { get }
}

extension PrunableModule {
  /// How many gates it has.
  public var gates: Int { units == 0 ? 0 : (units + unitsPerGate - 1) / unitsPerGate }

  /// The units that gate `gate` opens.
  public func units(ofGate gate: Int) -> Range<Int> {
    gate * unitsPerGate..<min(units, (gate + 1) * unitsPerGate)
  }
}

/// Attention with a gate on the output of each key-value head's query heads.
public struct PrunableHeadAttention: PrunableModule {
  public let layer: Int
  public let sublayer: Int
  public let units: Int
  public let parametersPerUnit: Int
  public let unitsPerGate: Int
  public var pool: UnitPool { .attention }

  init(_ units: PrunableUnits, layer: Int, granularity: GateGranularity) {
    self.layer = layer
    sublayer = units.sublayer
    self.units = units.count
    parametersPerUnit = units.parametersPerUnit
    unitsPerGate = granularity == .sublayer ? max(1, units.count) : 1
  }
}

/// An MLP with a gate on the activation of each neuron, or of each block of neurons.
public struct PrunableMLP: PrunableModule {
  public let layer: Int
  public let sublayer: Int
  public let units: Int
  public let parametersPerUnit: Int
  public let unitsPerGate: Int
  public var pool: UnitPool { .mlp }

  init(_ units: PrunableUnits, layer: Int, granularity: GateGranularity) {
    self.layer = layer
    sublayer = units.sublayer
    self.units = units.count
    parametersPerUnit = units.parametersPerUnit
    unitsPerGate =
      switch granularity {
      case .unit: 1
      case .block(let neurons): max(1, neurons)
      case .sublayer: max(1, units.count)
      }
  }
}
