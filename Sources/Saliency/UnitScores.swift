internal import Tensors
internal import Artifacts
internal import Blueprints
internal import Compute
internal import Transformers

/// Scores of all units of a model while they are summed, in double precision.
struct UnitScores {
  private let units: [[PrunableUnits]]
  /// By layer and sublayer, one score per unit.
  private var sums: [[[Double]]]

  init(_ blueprint: Blueprint) {
    units = blueprint.layers.map { $0.prunableUnits(hiddenSize: blueprint.hiddenSize) }
    sums = units.map { layer in layer.map { Array(repeating: 0, count: $0.count) } }
  }

  /// Parts of layers that some unit has a slice of.
  static func parts(of blueprint: Blueprint) -> Set<TensorPart> {
    Set(blueprint.layers.flatMap { $0.prunableUnits(hiddenSize: blueprint.hiddenSize) }.flatMap(\.slices).map(\.part))
  }

  /// Adds Σ|gradient · weight| over each unit's slices of a layer; without gradients Σ|weight|.
  mutating func add(layer: Int, weights: GroupMatrices, gradients: GroupMatrices?, backend: any ComputeBackend) {
    for (number, units) in units[layer].enumerated() {
      for slice in units.slices {
        let role = TensorRole(.layer(layer), sublayer: units.sublayer, slice.part)
        guard let weight = weights[role] else { preconditionFailure("no weight for \(role)") }
        // A bias is one row of matrices, and its units lie along that row.
        let axis = slice.part.isVector ? .columns : slice.axis
        backend.addSaliency(
          weight: weight, gradient: gradients?[role], axis: axis, width: slice.width, to: &sums[layer][number])
      }
    }
  }

  /// Sets every score from a function of pool, layer and unit.
  mutating func fill(_ score: () -> Double) {
    for layer in sums.indices {
      for number in sums[layer].indices {
        for unit in sums[layer][number].indices { sums[layer][number][unit] = score() }
      }
    }
  }

  /// A layer's scores in one row, in a fixed order: what ranks exchange.
  subscript(flat layer: Int) -> [Double] {
    get { sums[layer].flatMap { $0 } }
    set {
      var next = newValue.makeIterator()
      for number in sums[layer].indices {
        for unit in sums[layer][number].indices { sums[layer][number][unit] = next.next() ?? 0 }
      }
    }
  }

  /// The finished scores of a layer.
  subscript(layer: Int) -> ScoreTable.Layer {
    var result = ScoreTable.Layer(attention: [], mlp: [])
    for (declaration, scores) in zip(units[layer], sums[layer]) {
      switch declaration.pool {
      case .attention: result.attention += scores.map(Float.init)
      case .mlp: result.mlp += scores.map(Float.init)
      }
    }
    return result
  }

  /// The finished scores of all layers.
  var layers: [ScoreTable.Layer] { units.indices.map { self[$0] } }
}

extension TensorPart {
  /// Whether the tensor has one dimension.
  fileprivate var isVector: Bool {
    switch self {
    case .queryBias, .keyBias, .valueBias, .outputBias, .gateBias, .upBias, .downBias: true
    default: false
    }
  }
}
