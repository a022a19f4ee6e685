import Allocation
import Artifacts
import Testing

/// A plan that misses its sparsity can say why.
@Suite struct AllocationGapTests {
  /// Two layers of two heads of 100 parameters and 20 neurons of 30: 1,600 parameters, 8 neurons are 15 % of them.
  private static let layers = [PrunableLayer](
    repeating: PrunableLayer(
      attentionUnits: 2, attentionParametersPerUnit: 100, mlpUnits: 20, mlpParametersPerUnit: 30), count: 2)

  private static func gap(_ settings: AllocationSettings, layers: [PrunableLayer] = layers) throws -> AllocationGap? {
    let zeros = layers.map {
      ScoreTable.Layer(
        attention: Array(repeating: 0, count: $0.attentionUnits), mlp: Array(repeating: 0, count: $0.mlpUnits))
    }
    let plan = try allocate(
      ScoreTable(layers: zeros, metadata: ScoredModel.metadata), layers: layers, settings: settings)
    return AllocationGap(plan, layers: layers)
  }

  @Test func whatRoundingTakesIsNamed() throws {
    let gap = try #require(try Self.gap(AllocationSettings(sparsity: 0.0375, roundTo: 8)))
    #expect(gap.requested == 0.0375 && gap.achieved == 0 && gap.step == 0.15)
    #expect(
      gap.description
        == "3.75 % asked, 0.00 % reached: a layer loses 8 neurons at a time (round-to), which are 15.00 % of the prunable "
        + "parameters; lower allocation.round-to")
    // Its advice helps.
    #expect(try Self.gap(AllocationSettings(sparsity: 0.0375, roundTo: 1)) == nil)
    #expect(try Self.gap(AllocationSettings(sparsity: 0)) == nil)
  }

  @Test func everyMethodSaysWhatGoesTogether() throws {
    let uniform = try #require(try Self.gap(AllocationSettings(method: .uniform, sparsity: 0.05, roundTo: 8)))
    #expect(uniform.step == 0.3 && uniform.reason.contains("all of them alike (method uniform): 30.00 %"))
    let depth = try #require(try Self.gap(AllocationSettings(method: .depth, sparsity: 0.25)))
    #expect(depth.step == 0.375 && depth.reason.contains("whole sublayers, of up to 37.50 %"))
    let heads = try #require(try Self.gap(AllocationSettings(sparsity: 0.02, roundTo: 20)))
    #expect(heads.achieved == 0 && heads.step == 0.0625)
    #expect(heads.reason.hasPrefix("no layer has more neurons than round-to (20), so only attention units go, 6.25 %"))
  }
  /// A plan of these layers that says what was asked for and reached.
  private static func told(_ asked: Double, _ reached: Double, method: String = "global", roundTo: Int = 8) -> String? {
    let plan = PruningPlan(
      modelHash: "", requestedSparsity: asked, achievedSparsity: reached,
      allocation: .init(method: method, gamma: 1, roundTo: roundTo, scores: ScoredModel.metadata), layers: [])
    return AllocationGap(plan, layers: layers)?.description
  }

  @Test(arguments: [(0.3, 0.2995), (0.3, 0.31), (0, 0), (0.05, 0.0455)]) func near(asked: Double, reached: Double) {
    #expect(Self.told(asked, reached) == nil)
  }

  @Test func far() {
    #expect(Self.told(0.0005, 0)?.hasPrefix("0.05 % asked, 0.00 % reached: a layer loses 8 neurons") == true)
    #expect(Self.told(0.05, 0.06, roundTo: 1)?.contains("lower allocation.round-to") == false)
    #expect(Self.told(0.3, 0.35, method: "depth")?.hasSuffix("allocate with method global") == true)
    #expect(Self.told(0.05, 0, method: "by hand")?.contains("which are 15.00 % of the prunable parameters") == true)
  }
}
