import Artifacts
import Testing

/// Scores against the model, and the report counted from a plan.
@Suite struct ScoreTableTests {
  private static func table(_ layers: [ScoreTable.Layer]) -> ScoreTable {
    ScoreTable(layers: layers, metadata: PruningPlanTests.scores)
  }

  private static let zeros = ScoreTable.Layer(
    attention: [Float](repeating: 0, count: 2), mlp: [Float](repeating: 0, count: 16))

  @Test func scoresThatFitAreReturned() throws {
    let table = Self.table([Self.zeros, Self.zeros])
    #expect(try table.checked(against: PruningPlanTests.model) == table)
  }

  @Test func scoresThatDoNotFitAreNamed() {
    var short = Self.zeros
    short.mlp.removeLast()
    var nan = Self.zeros
    nan.attention[1] = .nan
    var infinite = Self.zeros
    infinite.mlp[3] = -.infinity
    let cases: [([ScoreTable.Layer], ArtifactError.Code, String)] = [
      ([Self.zeros], .mismatch, "scores are of 1 layers but the model has 2; score this model again"),
      (
        [Self.zeros, short], .mismatch,
        "layers.1.mlp: 15 scores but the model has 16 units; score this model again"
      ),
      (
        [nan, Self.zeros], .notFinite,
        "layers.0.attention: the score of unit 1 is nan, not a finite number; score this model again"
      ),
      (
        [Self.zeros, infinite], .notFinite,
        "layers.1.mlp: the score of unit 3 is -inf, not a finite number; score this model again"
      ),
    ]
    for (layers, code, message) in cases {
      let error = #expect(throws: ArtifactError.self) {
        try Self.table(layers).checked(against: PruningPlanTests.model)
      }
      #expect(error == ArtifactError(code: code, message: message))
      let located = #expect(throws: ArtifactError.self) {
        try Self.table(layers).checked(against: PruningPlanTests.model, file: "a/scores.safetensors")
      }
      #expect(located == ArtifactError(code: code, message: "a/scores.safetensors: \(message)"))
    }
  }

  @Test func parametersAreSummedByPool() throws {
    let sums = try PrunableParameters(of: PruningPlanTests.model)
    #expect((sums.attention, sums.mlp, sums.total) == (40, 64, 104))
  }

  @Test(arguments: [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, .max, 2), (1, .max, 1, 1), (2, 1, 1, -4)])
  func shapesThatMakeNoSenseAreRefused(heads: Int, perHead: Int, neurons: Int, perNeuron: Int) {
    let layer = PrunableLayer(
      attentionUnits: heads, attentionParametersPerUnit: perHead, mlpUnits: neurons, mlpParametersPerUnit: perNeuron)
    let error = #expect(throws: ArtifactError.self) { try PrunableParameters(of: [layer]) }
    #expect(error?.code == .invalidShape)
  }

  @Test func theReportCountsUnitsAndParameters() throws {
    let report = try SparsityReport(plan: PruningPlanTests.plan, model: PruningPlanTests.model)
    #expect((report.attention.unitsBefore, report.attention.unitsAfter) == (4, 3))
    #expect((report.attention.parametersBefore, report.attention.parametersAfter) == (40, 30))
    #expect((report.mlp.unitsBefore, report.mlp.unitsAfter) == (32, 24))
    #expect((report.mlp.parametersBefore, report.mlp.parametersAfter) == (64, 48))
    #expect((report.attention.keptShare, report.mlp.keptShare) == (0.75, 0.75))
    #expect((report.mlp.sparsity, report.sparsity) == (0.25, 0.25))
    #expect((report.parametersBefore, report.parametersAfter) == (104, 78))
    let other = #expect(throws: ArtifactError.self) { try SparsityReport(plan: PruningPlanTests.plan, model: []) }
    #expect(other?.code == .mismatch)
  }
}
