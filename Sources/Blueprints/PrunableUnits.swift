public import Tensors

/// The two pools in which units compete (DESIGN §1).
public enum UnitPool: String, Sendable, CaseIterable {
  /// Key-value heads with their query heads.
  case attention
  /// Neurons.
  case mlp
}

/// One tensor's share of every unit: unit `u` owns `u · width ..< (u + 1) · width` along `axis`.
public struct UnitSlice: Sendable, Equatable {
  public var part: TensorPart
  public var axis: UnitAxis
  public var width: Int

  public init(_ part: TensorPart, _ axis: UnitAxis, width: Int) {
    self.part = part
    self.axis = axis
    self.width = width
  }

  /// Whether the slice is the columns that read the unit's activation, so that a factor of the unit can be folded into it:
  /// output's and down's.
  public var isOutput: Bool { part == .outputWeight || part == .downWeight }
}

/// The prunable units of one sublayer. Scoring, gating and repacking all read this declaration, and no other.
public struct PrunableUnits: Sendable, Equatable {
  public var pool: UnitPool
  /// Which sublayer of the layer they are in.
  public var sublayer: Int
  public var count: Int
  public var slices: [UnitSlice]
  /// Weights and biases that go with one unit.
  public var parametersPerUnit: Int
  /// How many columns of the activation that a gate multiplies belong to a unit: the heads' output, before the output
  /// projection, or the neurons'.
  public var activationWidth: Int
}

extension LayerSpecification {
  /// The prunable units of the layer's sublayers, attention's before the MLP's as the residual stream meets them.
  ///
  /// An attention unit is a key-value head with the query heads that read it: rows of query, key and value (and their
  /// biases), columns of output. An MLP unit is a neuron: rows of gate and up, a column of down. Biases of output and
  /// down belong to no unit. A sublayer that has no unit left is not among them.
  public func prunableUnits(hiddenSize: Int) -> [PrunableUnits] {
    sublayers.enumerated().filter { !$0.element.isAbsent }.map { index, sublayer in
      switch sublayer.kind {
      case .attention(let attention):
        let width = attention.headWidth
        let group = attention.groupSize * width
        var slices = [UnitSlice(.queryWeight, .rows, width: group), UnitSlice(.keyWeight, .rows, width: width)]
        slices.append(UnitSlice(.valueWeight, .rows, width: width))
        if attention.hasInputBias {
          slices += [
            UnitSlice(.queryBias, .rows, width: group), UnitSlice(.keyBias, .rows, width: width),
            UnitSlice(.valueBias, .rows, width: width),
          ]
        }
        slices.append(UnitSlice(.outputWeight, .columns, width: group))
        if case .relativeBias = attention.position {
          slices.append(UnitSlice(.relativePositionBias, .columns, width: attention.groupSize))
        }
        return PrunableUnits(
          pool: .attention, sublayer: index, count: attention.keyValueHeads, slices: slices,
          parametersPerUnit: parameters(of: slices, hiddenSize: hiddenSize), activationWidth: group)
      case .mlp(let mlp):
        var slices = [UnitSlice(.upWeight, .rows, width: 1), UnitSlice(.downWeight, .columns, width: 1)]
        if mlp.isGated { slices.insert(UnitSlice(.gateWeight, .rows, width: 1), at: 0) }
        if mlp.hasBias {
          slices.append(UnitSlice(.upBias, .rows, width: 1))
          if mlp.isGated { slices.append(UnitSlice(.gateBias, .rows, width: 1)) }
        }
        return PrunableUnits(
          pool: .mlp, sublayer: index, count: mlp.width, slices: slices,
          parametersPerUnit: parameters(of: slices, hiddenSize: hiddenSize), activationWidth: 1)
      }
    }
  }

  private func parameters(of slices: [UnitSlice], hiddenSize: Int) -> Int {
    slices.reduce(0) { sum, slice in
      switch slice.part {
      case .queryBias, .keyBias, .valueBias, .gateBias, .upBias: sum + slice.width
      // A table of [bucket, head]: shared by a stack, and small; it is cut, but not counted.
      case .relativePositionBias: sum
      default: sum + slice.width * hiddenSize
      }
    }
  }
}
