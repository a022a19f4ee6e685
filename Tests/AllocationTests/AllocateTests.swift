import Allocation
import Artifacts
import Testing

/// Small models whose answer is known by hand, and what is refused.
@Suite struct AllocateTests {
  private static func layer(heads: Int = 2, perHead: Int = 10, neurons: Int = 8, perNeuron: Int = 1) -> PrunableLayer {
    PrunableLayer(
      attentionUnits: heads, attentionParametersPerUnit: perHead, mlpUnits: neurons, mlpParametersPerUnit: perNeuron)
  }

  private static func equalScores(_ layers: [PrunableLayer]) -> ScoredModel {
    ScoredModel(
      layers: layers, attention: layers.map { [Float](repeating: 1, count: $0.attentionUnits) },
      mlp: layers.map { [Float](repeating: 1, count: $0.mlpUnits) })
  }

  private static func plan(
    _ model: ScoredModel, _ sparsity: Double, method: AllocationSettings.Method = .global, gamma: Double? = nil,
    roundTo: Int = 1
  ) throws -> PruningPlan {
    try allocate(
      model.table, layers: model.layers,
      settings: AllocationSettings(method: method, sparsity: sparsity, gamma: gamma, roundTo: roundTo))
  }

  private static func refusal(
    _ model: ScoredModel, _ settings: AllocationSettings
  ) -> AllocationError? {
    #expect(throws: AllocationError.self) {
      try allocate(model.table, layers: model.layers, settings: settings)
    }
  }

  @Test func tiesFallToTheLowerLayerThenTheLowerIndex() throws {
    let model = Self.equalScores([Self.layer(), Self.layer()])
    // 56 parameters, a quarter is 14. A quarter of the heads is due from (40 + 2.5 · 16) / 4 = 20 on, so 14 neurons go.
    let plan = try Self.plan(model, 0.25, gamma: 2.5)
    #expect(plan.layers[0] == .init(attention: [0, 1], mlp: [7]))
    #expect(plan.layers[1] == .init(attention: [0, 1], mlp: [7]))
    let fewer = try Self.plan(model, 0.15, gamma: 2.5)
    #expect(fewer.layers[0].mlp == [7])
    #expect(fewer.layers[1].mlp == [1, 2, 3, 4, 5, 6, 7])
  }

  @Test func bothZerosAreEqual() throws {
    let model = ScoredModel(
      layers: [Self.layer(heads: 3, neurons: 4)], attention: [[0, -0.0, 0]], mlp: [[0, 0, -0.0, 0]])
    let plan = try Self.plan(model, 0.9 * 23 / 34, gamma: 1)
    #expect(plan.layers[0].attention == [2])
    #expect(plan.layers[0].mlp.contains(3))
  }

  @Test func attentionPastItsFloorsGoesToNeurons() throws {
    // One head to a layer: none may go, whatever gamma asks.
    let model = Self.equalScores([Self.layer(heads: 1), Self.layer(heads: 1)])
    let plan = try Self.plan(model, 0.25, gamma: 0.01)
    #expect(plan.layers.map(\.attention) == [[0], [0]])
    #expect(model.removed(by: plan).mlp == 9)
  }

  @Test func neuronsUsedUpGoToAttention() throws {
    // Gamma wants neurons only; 14 may go, and 36 · 0.75 = 27 are asked of 56.
    let model = Self.equalScores([Self.layer(), Self.layer()])
    let plan = try Self.plan(model, 27.0 / 56, gamma: 1000)
    #expect(model.removed(by: plan) == (20, 7))
    #expect(try model.removed(by: Self.plan(model, 34.0 / 56, gamma: 1000)) == (20, 14))
    #expect(try model.removed(by: Self.plan(model, 14.0 / 56, gamma: 1000)) == (0, 14))
  }

  @Test func aSingleUnitOfEachIsKept() throws {
    let model = Self.equalScores([Self.layer(heads: 1, neurons: 1)])
    #expect(try Self.plan(model, 0).layers == [.init(attention: [0], mlp: [0])])
    let error = Self.refusal(model, AllocationSettings(sparsity: 0.5))
    #expect(error?.code == .sparsityOutOfReach)
  }

  @Test func roundToPastTheWidthKeepsAllNeurons() throws {
    let model = Self.equalScores([Self.layer(heads: 4, perHead: 2), Self.layer(heads: 4, perHead: 2)])
    let plan = try Self.plan(model, 0.125, roundTo: 64)
    #expect(plan.layers.allSatisfy { $0.mlp.count == 8 })
    #expect(model.removed(by: plan) == (4, 0))
  }

  @Test func aWidthThatIsNoMultipleIsKeptWholeOrRounded() throws {
    let model = Self.equalScores([Self.layer(heads: 1, neurons: 21), Self.layer(heads: 1, neurons: 16)])
    // 57 parameters; 5 bring layer 0 to 16, the next 8 to 8.
    #expect(try Self.plan(model, 5.0 / 57, roundTo: 8).layers.map(\.mlp.count) == [16, 16])
    #expect(try Self.plan(model, 13.0 / 57, roundTo: 8).layers.map(\.mlp.count) == [8, 16])
    #expect(try Self.plan(model, 21.0 / 57, roundTo: 8).layers.map(\.mlp.count) == [8, 8])
  }

  @Test func gammaIsTheModelsOwnRatioWhenLeftOut() throws {
    let model = Self.equalScores([Self.layer(perHead: 8, neurons: 48)])
    #expect(try Self.plan(model, 0.1).allocation.gamma == 3)
    #expect(try Self.plan(Self.equalScores([Self.layer(heads: 0)]), 0.1).allocation.gamma == 1)
  }

  @Test func thePlanSaysWhatMadeIt() throws {
    let plan = try Self.plan(Self.equalScores([Self.layer()]), 0.1, method: .uniform, gamma: 2)
    #expect(plan.modelHash == "model")
    #expect(plan.formatVersion == 1)
    #expect(plan.requestedSparsity == 0.1)
    #expect(
      plan.allocation
        == PruningPlan.AllocationRecord(method: "uniform", gamma: 2, roundTo: 1, scores: ScoredModel.metadata))
  }

  @Test(arguments: [
    (AllocationSettings(sparsity: 1), "sparsity is 1.0 but must be at least 0 and below 1; 0.3 removes 30 %"),
    (AllocationSettings(sparsity: -0.1), "sparsity is -0.1 but must be at least 0 and below 1; 0.3 removes 30 %"),
    (AllocationSettings(sparsity: .nan), "sparsity is nan but must be at least 0 and below 1; 0.3 removes 30 %"),
    (
      AllocationSettings(sparsity: 0.3, gamma: 0),
      "gamma is 0.0 but must be above 0; leave it out for the model's own ratio"
    ),
    (
      AllocationSettings(sparsity: 0.3, gamma: .infinity),
      "gamma is inf but must be above 0; leave it out for the model's own ratio"
    ),
    (
      AllocationSettings(sparsity: 0.3, roundTo: 0),
      "round-to is 0 but must be at least 1; 1 rounds nothing, 8 is the default"
    ),
  ])
  func settingsOutOfRangeAreRefused(settings: AllocationSettings, message: String) {
    let error = Self.refusal(Self.equalScores([Self.layer()]), settings)
    #expect(error?.code == .invalidSetting)
    #expect(error?.description == message)
  }

  @Test func outOfReachSaysTheMostThatIsInReach() throws {
    let model = Self.equalScores([Self.layer(neurons: 20)])
    let error = Self.refusal(model, AllocationSettings(sparsity: 0.9, roundTo: 8))
    #expect(
      error?.description
        == "sparsity 0.9 is out of reach: every layer keeps at least one attention unit and 8 neurons, which leaves "
        + "0.55 at most; ask for less, or lower round-to")
    #expect(try Self.plan(model, 0.55, roundTo: 8).achievedSparsity == 0.55)
  }

  @Test func scoresThatDoNotFitAreRefused() {
    var model = Self.equalScores([Self.layer(), Self.layer()])
    model.table.layers[1].mlp[5] = .nan
    #expect(
      Self.refusal(model, AllocationSettings(sparsity: 0.1))?.description
        == "layers.1.mlp: the score of unit 5 is nan, not a finite number; score this model again")
    model.table.layers.removeLast()
    #expect(Self.refusal(model, AllocationSettings(sparsity: 0.1))?.code == .invalidInput)
    model = Self.equalScores([Self.layer()])
    model.layers[0].mlpParametersPerUnit = .max
    #expect(Self.refusal(model, AllocationSettings(sparsity: 0.1))?.code == .invalidInput)
  }

  @Test func aModelWithoutPrunableUnits() throws {
    let model = Self.equalScores([])
    #expect(try Self.plan(model, 0).layers.isEmpty)
    #expect(Self.refusal(model, AllocationSettings(sparsity: 0.1))?.code == .sparsityOutOfReach)
  }
}
