import Blueprints
import ModelTestSupport
import Tensors
import Testing

/// What belongs to a unit: the one declaration that scoring, gating and repacking read.
@Suite struct PrunableUnitsTests {
  static let blueprints: [Blueprint] = [
    .grouped(), .grouped(hasBias: true), .grouped(isGated: false), .grouped(hasBias: true, isGated: false), .bert(),
    .t5(),
  ]

  @Test func attentionUnitsAreKeyValueHeadsWithTheirQueries() throws {
    let units = try #require(Blueprint.grouped().layers[0].prunableUnits(hiddenSize: 16).first)
    #expect(units.pool == .attention)
    #expect(units.count == 2)
    // 2·h·(g + 1)·d with h = 4, g = 3, d = 16.
    #expect(units.parametersPerUnit == 2 * 4 * 4 * 16)
    #expect(units.activationWidth == 12)
    #expect(
      units.slices == [
        UnitSlice(.queryWeight, .rows, width: 12), UnitSlice(.keyWeight, .rows, width: 4),
        UnitSlice(.valueWeight, .rows, width: 4), UnitSlice(.outputWeight, .columns, width: 12),
      ])
  }

  @Test(arguments: [(true, 3), (false, 2)]) func mlpUnitsAreNeurons(isGated: Bool, perColumn: Int) throws {
    let units = try #require(Blueprint.grouped(isGated: isGated).layers[0].prunableUnits(hiddenSize: 16).last)
    #expect(units.pool == .mlp)
    #expect(units.count == 10)
    #expect(units.parametersPerUnit == perColumn * 16)
    #expect(units.activationWidth == 1)
    #expect(units.slices.count == perColumn)
  }

  /// Biases of the rows go with the unit; those of output and down belong to the layer.
  @Test func biasesOfRowsBelongToUnits() throws {
    let units = Blueprint.grouped(hasBias: true).layers[0].prunableUnits(hiddenSize: 16)
    #expect(units[0].parametersPerUnit == 2 * 4 * 4 * 16 + 12 + 4 + 4)
    #expect(units[1].parametersPerUnit == 3 * 16 + 2)
    let parts = Set(units.flatMap(\.slices).map(\.part))
    #expect(parts.isSuperset(of: [.queryBias, .keyBias, .valueBias, .gateBias, .upBias]))
    #expect(parts.isDisjoint(with: [.outputBias, .downBias]))
  }

  /// The units' slices cover each prunable tensor exactly, and every tensor of a branch but its norm and last bias.
  @Test(arguments: blueprints) func slicesTileTheirTensors(blueprint: Blueprint) throws {
    let whole: Set<TensorPart> = [.normWeight, .normBias, .outputBias, .downBias]
    for (index, layer) in blueprint.layers.enumerated() {
      let shapes = Dictionary(
        uniqueKeysWithValues: blueprint.tensors(of: .layer(index)).map { ($0.role, $0.shape) })
      var tiled: Set<TensorRole> = []
      for units in layer.prunableUnits(hiddenSize: blueprint.hiddenSize) {
        var parameters = 0
        for slice in units.slices {
          let role = TensorRole(.layer(index), sublayer: units.sublayer, slice.part)
          let shape = try #require(shapes[role], "\(role)")
          #expect(shape[slice.axis == .rows ? 0 : 1] == units.count * slice.width, "\(role)")
          #expect(tiled.insert(role).inserted, "\(role) is in two slices")
          // T5's bias tables are cut with the heads but count for no one.
          if slice.part != .relativePositionBias { parameters += shape.reduce(1, *) / units.count }
        }
        #expect(units.parametersPerUnit == parameters)
      }
      #expect(tiled == Set(shapes.keys.filter { !whole.contains($0.part) }))
    }
  }

  /// Columns that read the units' activations, and T5's bias table is none.
  @Test(arguments: blueprints) func oneSliceOfAUnitIsItsOutput(blueprint: Blueprint) {
    for layer in blueprint.layers {
      for units in layer.prunableUnits(hiddenSize: blueprint.hiddenSize) {
        let outputs = units.slices.filter(\.isOutput)
        #expect(outputs.map(\.part) == [units.pool == .attention ? .outputWeight : .downWeight])
        #expect(outputs.map(\.axis) == [.columns])
        #expect(outputs.map(\.width) == [units.activationWidth])
      }
    }
  }

  /// A sublayer without units has no tensor but its last bias; a norm after the sum stays.
  @Test func absentSublayersHaveNoUnits() {
    for (dense, left) in [
      (Blueprint.grouped(), []), (.grouped(hasBias: true), [TensorPart.outputBias, .downBias]),
      (.bert(layers: 1), [.normWeight, .normBias, .outputBias, .normWeight, .normBias, .downBias]),
    ] {
      var blueprint = dense
      for index in blueprint.stacks[0].layers[0].sublayers.indices {
        switch blueprint.stacks[0].layers[0].sublayers[index].kind {
        case .attention(var attention):
          (attention.queryHeads, attention.keyValueHeads) = (0, 0)
          blueprint.stacks[0].layers[0].sublayers[index].kind = .attention(attention)
        case .mlp(var mlp):
          mlp.width = 0
          blueprint.stacks[0].layers[0].sublayers[index].kind = .mlp(mlp)
        }
      }
      #expect(blueprint.layers[0].prunableUnits(hiddenSize: blueprint.hiddenSize).isEmpty)
      #expect(blueprint.tensors(of: .layer(0)).map(\.role.part) == left)
      #expect(blueprint.layers[0].sublayers.map(\.isAbsent) == [true, true])
      #expect(dense.layers[0].sublayers.map(\.isAbsent) == [false, false])
    }
  }

  @Test func everySublayerHasUnits() {
    let decoderLayer = Blueprint.t5().layers[2].prunableUnits(hiddenSize: 64)
    #expect(decoderLayer.map(\.pool) == [.attention, .attention, .mlp])
    #expect(decoderLayer.map(\.sublayer) == [0, 1, 2])
    #expect(decoderLayer.map(\.count) == [4, 4, 160])
  }
}
