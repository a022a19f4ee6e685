import Allocation
import Artifacts

/// A small generator with a seed (SplitMix64), so that a failing case can be run again by its number.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A model's prunable parts with scores for them.
struct ScoredModel {
  var layers: [PrunableLayer]
  var table: ScoreTable

  static let metadata = ScoreTable.Metadata(
    criterion: "ntk", objective: "max-logit", accumulation: "signed", modelHash: "model", dataHash: "data")

  init(layers: [PrunableLayer], attention: [[Float]], mlp: [[Float]]) {
    self.layers = layers
    table = ScoreTable(layers: zip(attention, mlp).map { .init(attention: $0, mlp: $1) }, metadata: Self.metadata)
  }

  /// A random model: up to 6 layers, of one shape or of several (as after an earlier cut), scores with many ties.
  ///
  /// - Parameter oneShape: whether all layers are alike.
  init(seed: Int, oneShape: Bool) {
    var random = SeededGenerator(seed: seed)
    let hidden = Int.random(in: 1...16, using: &random)
    let perHead = 2 * Int.random(in: 1...16, using: &random) * Int.random(in: 2...5, using: &random) * hidden
    let first = PrunableLayer(
      attentionUnits: Int.random(in: 1...8, using: &random), attentionParametersPerUnit: perHead,
      mlpUnits: Int.random(in: 1...90, using: &random), mlpParametersPerUnit: 3 * hidden)
    var layers = [PrunableLayer](repeating: first, count: Int.random(in: 1...6, using: &random))
    if !oneShape {
      for index in layers.indices {
        layers[index].attentionUnits = Int.random(in: 0...8, using: &random)
        layers[index].mlpUnits = Int.random(in: 0...90, using: &random)
      }
    }
    // Few distinct values make ties common; both zeros are among them.
    let values: [Float] = [0, -0.0, 0.25, 0.5, 1, 1, 2, 1e-30, 3e20]
    let ties = Bool.random(using: &random)
    func scores(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        ties ? values[Int.random(in: values.indices, using: &random)] : Float.random(in: 0..<1, using: &random)
      }
    }
    self.init(
      layers: layers, attention: layers.map { scores($0.attentionUnits) }, mlp: layers.map { scores($0.mlpUnits) })
  }

  var total: Int { layers.reduce(0) { $0 + Self.parameters(in: $1) } }

  /// The most parameters that the floors let go.
  func removable(roundTo: Int) -> Int {
    layers.reduce(0) { sum, layer in
      sum + max(0, layer.attentionUnits - 1) * layer.attentionParametersPerUnit
        + max(0, layer.mlpUnits - roundTo) * layer.mlpParametersPerUnit
    }
  }

  /// Parameters that `plan` removes, by pool.
  func removed(by plan: PruningPlan) -> (attention: Int, mlp: Int) {
    zip(layers, plan.layers).reduce(into: (0, 0)) { sums, pair in
      let (layer, kept) = pair
      sums.0 += (layer.attentionUnits - kept.attention.count) * layer.attentionParametersPerUnit
      sums.1 += (layer.mlpUnits - kept.mlp.count) * layer.mlpParametersPerUnit
    }
  }

  private static func parameters(in layer: PrunableLayer) -> Int {
    layer.attentionUnits * layer.attentionParametersPerUnit + layer.mlpUnits * layer.mlpParametersPerUnit
  }
}
