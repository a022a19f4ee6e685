import Artifacts
import Testing

@Suite struct RunDocumentDigestTests {
  private func digest(_ lines: String..., of result: RunResult = .report) throws -> String {
    let yaml = (["model: m"] + lines).joined(separator: "\n")
    return try RunDocument(yaml: yaml, environment: testEnvironment).digest(of: result)
  }

  @Test func digestIsHexadecimalAndKnown() throws {
    // Computed by Python's hashlib from the text that the comment on digest(of:) describes.
    #expect(try digest() == "6efa30bfe6b3db918607724f0b7ce2e38d803b6088bfd4a1c33db646bdfc5cad")
    #expect(try RunDocument(model: "m", environment: testEnvironment).digest == digest())
  }

  @Test(arguments: [
    "output: elsewhere", "run-folder: elsewhere", "overwrite: true", "resources: {threads: 3}",
    "resources: {memory-limit: 1GB}", "resources: {weights: owner}", "resources: {microbatch: 64}",
    "resources: {recompute: always}", "resources: {save-interval: 0}", "resources: {watchdog: off}",
    "generation: {sequences: 40, seed: 3, text: a}", "tuning: {save-every: 3}", "recovery: {save-every: 0}",
    "recovery: {targets: [down, up, gate, all-linear]}",
    "allocation: {sparsity: 0.30}", "calibration: {text: null}",
  ])
  func unchangedBy(line: String) throws {
    #expect(try digest(line) == digest())
  }

  /// What the model writes depends on how it writes, and on what: on nothing that is done with the text.
  @Test func generationDependsOnItsKeysAlone() throws {
    func values(_ yaml: String) throws -> [String] {
      try RunDocument(yaml: "model: m\n" + yaml, environment: testEnvironment).valuesChangingGeneration
        .map { "\($0.key): \($0.value)" }
    }
    let own = try values("")
    #expect(
      own == [
        "model: m", "generation.sequences: 0", "generation.length: 512", "generation.prompt: 16",
        "generation.temperature: 1.0", "generation.seed: 0", "resources.backend: cpu", "resources.compute: auto",
      ])
    for same in ["calibration: {seed: 1}", "tuning: {steps: 4}", "resources: {memory-limit: 1GB}"] {
      #expect(try values(same) == own)
    }
    for other in ["generation: {temperature: 0.5}", "generation: {seed: 1}", "resources: {compute: f32}"] {
      #expect(try values(other) != own)
    }
  }

  @Test(arguments: [
    ("calibration: {seed: 1}", RunResult.scores), ("calibration: {text: a}", .scores),
    ("scoring: {criterion: taylor}", .scores), ("resources: {backend: reference}", .scores),
    ("resources: {compute: f32}", .scores),
    ("allocation: {gamma: 3}", .plan), ("allocation: {sparsity: 0.31}", .plan),
    ("selection: {seeds: 3}", .scores), ("scoring: {exchange: bf16}", .scores),
    ("tuning: {steps: 60}", .gates), ("tuning: {sequences: 60}", .gates), ("tuning: {text: a}", .gates),
    ("exchange: {codec: int8}", .gates),
    ("recovery: {steps: 60}", .checkpoint), ("recovery: {targets: [query]}", .checkpoint),
    ("repacking: {layout: native}", .checkpoint), ("repacking: {shard-size: 1GB}", .checkpoint),
    ("evaluation: {text: a}", .report), ("evaluation: {limit: 3}", .report),
  ])
  func changedFromTheFirstResultOn(line: String, first: RunResult) throws {
    for result in RunResult.allCases {
      let isSame = try digest(line, of: result) == digest(of: result)
      // What is made later is made from it. The checkpoint's files do not matter to perplexity, but to the report.
      #expect(isSame == (result < first))
    }
  }

  /// Beside the texts' own hashes, what they are called does not count; all else does.
  @Test func besideTexts() throws {
    func digest(_ yaml: String) throws -> String {
      try RunDocument(yaml: "model: m\n" + yaml, environment: testEnvironment).digestBesideTexts(of: .report)
    }
    let own = try digest("")
    for same in [
      "calibration: {text: a}", "selection: {texts: [a, b], held-out: c}", "tuning: {text: a}", "recovery: {text: a}",
      "evaluation: {text: a}", "generation: {text: a}", "output: elsewhere",
    ] { #expect(try digest(same) == own, "\(same)") }
    for other in ["calibration: {seed: 1}", "evaluation: {window: 7}", "recovery: {teacher: t}"] {
      #expect(try digest(other) != own, "\(other)")
    }
    #expect(try RunDocument(yaml: "model: n", environment: testEnvironment).digestBesideTexts(of: .report) != own)
  }
}
