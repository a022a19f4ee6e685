import Allocation
import Artifacts
import Testing

/// Neurons that go in runs, as gates in blocks open them.
@Suite struct GroupedNeuronsTests {
  private static func settings(
    _ method: AllocationSettings.Method, _ sparsity: Double, run: Int
  ) -> AllocationSettings {
    AllocationSettings(method: method, sparsity: sparsity, gamma: 1, roundTo: run, groupsNeurons: true)
  }

  /// The first neurons of the runs that a layer of `width` neurons has, each with its length.
  private static func runs(_ width: Int, _ run: Int) -> [Range<Int>] {
    stride(from: 0, to: width, by: run).map { $0..<min(width, $0 + run) }
  }

  @Test(arguments: AllocationPropertyTests.unitMethods, [2, 7, 12, 64])
  func runsAreWhole(method: AllocationSettings.Method, run: Int) throws {
    for seed in 0..<100 {
      let model = ScoredModel(seed: seed, oneShape: seed.isMultiple(of: 2))
      guard model.total > 0 else { continue }
      let reachable = Double(model.removable(roundTo: run)) / Double(model.total)
      for step in 0...12 {
        let plan = try allocate(
          model.table, layers: model.layers, settings: Self.settings(method, reachable * Double(step) / 12, run: run))
        for (kept, layer) in zip(plan.layers, model.layers) {
          let keeps = Set(kept.mlp)
          #expect(kept.mlp.count >= min(run, layer.mlpUnits), "seed \(seed)")
          #expect(kept.mlp.count == layer.mlpUnits || kept.mlp.count.isMultiple(of: run), "seed \(seed)")
          for units in Self.runs(layer.mlpUnits, run) {
            #expect(keeps.isSuperset(of: units) || keeps.isDisjoint(with: units), "seed \(seed)")
          }
        }
      }
    }
  }

  /// Scores that are constant inside of runs that fill the layer say the same with grouping and without.
  @Test(arguments: AllocationPropertyTests.unitMethods) func constantRunsNeedNoGrouping(
    method: AllocationSettings.Method
  ) throws {
    for seed in 0..<60 {
      var model = ScoredModel(seed: seed, oneShape: true)
      for index in model.layers.indices {
        let scores = model.table.layers[index].mlp
        model.layers[index].mlpUnits = scores.count * 6
        model.table.layers[index].mlp = scores.flatMap { [Float](repeating: $0, count: 6) }
      }
      let reachable = Double(model.removable(roundTo: 6)) / Double(model.total)
      for step in 0...8 {
        var settings = Self.settings(method, reachable * Double(step) / 8, run: 6)
        let grouped = try allocate(model.table, layers: model.layers, settings: settings)
        settings.groupsNeurons = false
        #expect(try allocate(model.table, layers: model.layers, settings: settings) == grouped, "seed \(seed)")
      }
    }
  }

  @Test func aRunIsRankedByItsMeanAndAShortOneGoesFirst() throws {
    let layer = PrunableLayer(attentionUnits: 1, attentionParametersPerUnit: 10, mlpUnits: 10, mlpParametersPerUnit: 1)
    // Means 3, 2 and, of the short run, 9: it goes when the lowest does, though worth more.
    let model = ScoredModel(
      layers: [layer], attention: [[1]], mlp: [[6, 0, 3, 3, 2, 2, 2, 2, 9, 9]])
    func kept(_ removed: Double) throws -> [Int] {
      try allocate(model.table, layers: model.layers, settings: Self.settings(.global, removed / 20, run: 4)).layers[0]
        .mlp
    }
    #expect(try kept(0) == Array(0..<10))
    #expect(try kept(2) == Array(0..<8))
    #expect(try kept(6) == [0, 1, 2, 3])
  }

  /// A layer no wider than a run has one, which is its floor.
  @Test func aNarrowLayerStaysWhole() throws {
    let layer = PrunableLayer(attentionUnits: 2, attentionParametersPerUnit: 10, mlpUnits: 10, mlpParametersPerUnit: 1)
    let model = ScoredModel(layers: [layer], attention: [[1, 2]], mlp: [[Float](repeating: 0, count: 10)])
    let plan = try allocate(model.table, layers: model.layers, settings: Self.settings(.global, 1.0 / 3, run: 16))
    #expect(plan.layers == [.init(attention: [1], mlp: Array(0..<10))])
  }
}
