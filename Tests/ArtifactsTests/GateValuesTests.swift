import Artifacts
import Foundation
import Testing

/// gates.safetensors: what is written is read, and what does not belong together is refused.
@Suite struct GateValuesTests {
  private static let plan = PruningPlanTests.plan

  /// Factors of 0 where the plan removes, and of ½ and up where it keeps.
  static let gates = GateValues(
    layers: plan.layers.enumerated().map { index, kept in
      let model = PruningPlanTests.model[index]
      return .init(attention: pool(model.attentionUnits, kept.attention), mlp: pool(model.mlpUnits, kept.mlp))
    }, metadata: .init(modelHash: "cafe", planHash: "f1a2", dataHash: "da7a"))

  private static func pool(_ count: Int, _ kept: [Int]) -> GateValues.Pool {
    .init(
      logits: (0..<count).map { 0.25 * Float($0) - 1 },
      factors: (0..<count).map { kept.contains($0) ? 0.5 + Float($0) : 0 })
  }

  private static func refusal(_ gates: GateValues, planHash: String = "f1a2") -> ArtifactError? {
    #expect(throws: ArtifactError.self) {
      try gates.checked(against: PruningPlanTests.model, plan: plan, planHash: planHash)
    }
  }

  private static func file(_ body: (_ path: String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-gates-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("gates.safetensors").path)
  }

  @Test func whatIsWrittenIsRead() throws {
    var gates = Self.gates
    // A layer without attention has empty lists.
    gates.layers[1].attention = .init(logits: [], factors: [])
    try Self.file { path in
      try gates.write(to: path)
      let first = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(try GateValues(contentsOfFile: path) == gates)
      try gates.write(to: path)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
    }
  }

  @Test func anotherFileIsRefused() throws {
    let scores = ScoreTable(
      layers: [.init(attention: [1], mlp: [2])], metadata: PruningPlanTests.scores)
    try Self.file { path in
      try scores.write(to: path)
      let error = #expect(throws: ArtifactError.self) { try GateValues(contentsOfFile: path) }
      #expect(error?.code == .unsupportedVersion)
      #expect(
        error?.message
          == "\(path): not a gate file of this version (metadata espalier_format is \"scores-1\", not gates-1); make it "
          + "with `espalier tune`")
    }
  }

  @Test func aTruncatedFileIsRefused() throws {
    try Self.file { path in
      try Self.gates.write(to: path)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      for count in stride(from: 0, to: bytes.count, by: 7) {
        try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
        #expect(throws: (any Error).self) { try GateValues(contentsOfFile: path) }
      }
    }
  }

  @Test func gatesOfThisPlanAreReturned() throws {
    #expect(
      try Self.gates.checked(against: PruningPlanTests.model, plan: Self.plan, planHash: "f1a2") == Self.gates)
    // A kept unit may have any factor, 0 and below too.
    var odd = Self.gates
    odd.layers[1].attention.factors = [0, -3]
    #expect(try odd.checked(against: PruningPlanTests.model, plan: Self.plan, planHash: "f1a2") == odd)
  }

  @Test func whatDoesNotFitIsNamed() {
    var other = Self.gates
    other.metadata.modelHash = "beef"
    #expect(
      Self.refusal(other)
        == ArtifactError(
          code: .mismatch,
          message:
            "gates.safetensors: model_hash is \"beef\" but must be \"cafe\"; use the model and the plan that the "
            + "gates were tuned with, or tune again"))
    #expect(
      Self.refusal(Self.gates, planHash: "0")?.message.hasPrefix("gates.safetensors: plan_hash is \"f1a2\" but") == true
    )

    var short = Self.gates
    short.layers.removeLast()
    #expect(
      Self.refusal(short)?.message
        == "gates.safetensors: gates are of 1 layers and the plan of 2 but the model has 2; tune this model again")

    var missing = Self.gates
    missing.layers[1].mlp.factors.removeLast()
    #expect(
      Self.refusal(missing)?.message
        == "gates.safetensors: layers.1.mlp.factors: 15 numbers but the model has 16 units; tune this model again")

    var nan = Self.gates
    nan.layers[0].mlp.logits[3] = .nan
    #expect(Self.refusal(nan)?.code == .notFinite)
    #expect(
      Self.refusal(nan)?.message == "gates.safetensors: layers.0.mlp.logits: that of unit 3 is nan; tune again")

    var open = Self.gates
    open.layers[0].attention.factors[0] = 0.25
    #expect(
      Self.refusal(open)
        == ArtifactError(
          code: .mismatch,
          message: "gates.safetensors: layers.0.attention.factors: unit 0 has the factor 0.25 but the plan removes it; "
            + "tune again"))
  }
}
