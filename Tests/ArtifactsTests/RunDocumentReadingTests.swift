import Artifacts
import Testing

/// The folders that every test of documents sees.
let testEnvironment = RunEnvironment(home: "/home/user", currentFolder: "/work-folder")

/// Whether `text` has no line break.
func isOneLine(_ text: String) -> Bool { !text.contains { $0.isNewline } }

@Suite struct RunDocumentReadingTests {
  @Test func everyKeyButModelHasItsDefault() throws {
    let document = try RunDocument(yaml: "model: models/SmolLM2-135M/", environment: testEnvironment)
    #expect(document.model == "models/SmolLM2-135M/")
    #expect(document.output == "SmolLM2-135M-pruned")
    #expect(document.runFolder == "SmolLM2-135M-pruned.run")
    #expect(!document.overwrite)
    #expect(document.calibration.text.isEmpty)
    #expect(document.calibration.sequences == 32 && document.calibration.length == 128)
    #expect(document.scoring.criterion == .ntk && document.scoring.objective == .maxLogit)
    #expect(document.scoring.accumulation == .signed)
    #expect(document.allocation.method == .global && document.allocation.sparsity == 0.3)
    #expect(document.allocation.gamma == nil && document.allocation.roundTo == 8)
    #expect(document.evaluation.text == nil && document.evaluation.limit == nil)
    #expect(document.evaluation.window == 1024 && document.evaluation.stride == 1024)
    #expect(document.repacking.layout == .auto && document.repacking.shardSize == ByteSize(bytes: 5_000_000_000))
    #expect(document.resources.threads == nil && document.resources.memoryLimit == nil)
    #expect(document.resources.weights == .auto && document.resources.backend == .cpu)
    #expect(document.resources.microbatch == nil)
    #expect(try document == RunDocument(model: "models/SmolLM2-135M/", environment: testEnvironment))
  }

  @Test func everyKeyIsRead() throws {
    let yaml = """
      model: ~/models/llama
      output: /data/out
      run-folder: runs/1
      overwrite: yes
      calibration: {text: [a.txt, ~/b.jsonl.zst], sequences: 7, length: 64, seed: 18446744073709551615, special-tokens: on}
      scoring: {criterion: random, objective: loss, accumulation: absolute, seed: 9}
      allocation: {method: uniform, sparsity: 4e-1, gamma: 3.36, round-to: 256}
      evaluation: {text: "valid: 1.txt", window: 512, stride: 256, limit: 12, special-tokens: true}
      repacking: {layout: per-layer, shard-size: 1.5 GB}
      resources: {threads: 4, memory-limit: 2GiB, weights: files, backend: reference, microbatch: 2048}
      """
    let document = try RunDocument(yaml: yaml, environment: testEnvironment)
    #expect(document.model == "/home/user/models/llama")
    #expect(document.output == "/data/out" && document.runFolder == "runs/1" && document.overwrite)
    #expect(document.calibration.text == ["a.txt", "/home/user/b.jsonl.zst"])
    #expect(document.calibration.sequences == 7 && document.calibration.length == 64)
    #expect(document.calibration.seed == UInt64.max && document.calibration.specialTokens)
    #expect(document.scoring.criterion == .random && document.scoring.objective == .loss)
    #expect(document.scoring.accumulation == .absolute && document.scoring.seed == 9)
    #expect(document.allocation.method == .uniform && document.allocation.sparsity == 0.4)
    #expect(document.allocation.gamma == 3.36 && document.allocation.roundTo == 256)
    #expect(document.evaluation.text == "valid: 1.txt" && document.evaluation.specialTokens)
    #expect(document.evaluation.window == 512 && document.evaluation.stride == 256 && document.evaluation.limit == 12)
    #expect(document.repacking.layout == .perLayer && document.repacking.shardSize.bytes == 1_500_000_000)
    #expect(document.resources.threads == 4 && document.resources.memoryLimit?.bytes == 1 << 31)
    #expect(document.resources.weights == .files && document.resources.backend == .reference)
    #expect(document.resources.microbatch == 2048)
    #expect(document.origin(of: "allocation.gamma") == "run.yaml:7:54")
    #expect(document.origin(of: "evaluation.limit") == "run.yaml:8:69")
  }

  @Test(arguments: [
    ("model: m\ncalibration:\n  # text: a\nscoring: null\n", "a section without keys"),
    ("\u{FEFF}model: m\r\ncalibration:\r\n  text: []\r\n", "byte order mark and CRLF"),
    ("---\nmodel: m # comment\n...\n", "document marks"),
    ("{\"model\": \"m\", \"calibration\": {\"text\": null}}", "JSON"),
    ("model: m\nevaluation: {text: ~, limit: null}\nresources: {threads: \"auto\"}", "null and auto"),
    ("model: !!str m\n# an *alias* and a ? in a comment", "a tag that says what it is"),
  ])
  func means(yaml: String, what: String) throws {
    #expect(
      try RunDocument(yaml: yaml, environment: testEnvironment) == RunDocument(model: "m", environment: testEnvironment)
    )
  }

  @Test(arguments: [
    "a*b", "'*a'", "\"?\"", "?x", "what?*", "\"# no comment\"", "'it''s'", "&", "7", "'true'", "12:30:45",
  ])
  func pathsMayHoldWhatYAMLUses(yaml: String) throws {
    let expected = [
      "'*a'": "*a", "\"?\"": "?", "\"# no comment\"": "# no comment", "'it''s'": "it's", "'true'": "true",
    ]
    guard yaml != "&" else {
      #expect(throws: RunDocumentError.self) { try RunDocument(yaml: "model: &", environment: testEnvironment) }
      return
    }
    let document = try RunDocument(yaml: "model: \(yaml)\n", environment: testEnvironment)
    #expect(document.model == expected[yaml] ?? yaml)
  }

  @Test(arguments: [
    (".", "work-folder-pruned"), ("a/../b", "b-pruned"), ("..", "model-pruned"), ("a//", "a-pruned"),
    ("/c/models--Org--Llama-3.1-8B/snapshots/0123abc", "Llama-3.1-8B-pruned"), ("~", "user-pruned"),
    ("/c/models--gpt2/snapshots/0123abc", "gpt2-pruned"),
  ])
  func outputIsNamedAfterTheModel(model: String, output: String) throws {
    #expect(try RunDocument(model: model, environment: testEnvironment).output == output)
  }

  @Test func dependentDefaultsFollow() throws {
    let yaml = "model: m\noutput: out/\nscoring: {criterion: taylor}\nevaluation: {window: 64}"
    let document = try RunDocument(yaml: yaml, environment: testEnvironment)
    #expect(document.runFolder == "out.run")
    #expect(document.scoring.objective == .loss)
    #expect(document.evaluation.stride == 64)
  }

  @Test func calibrationTextIsNeededByWhatReadsIt() throws {
    let yaml = "model: m\nscoring: {criterion: magnitude}"
    #expect(throws: Never.self) { try RunDocument(yaml: yaml, environment: testEnvironment).requireCalibrationText() }
    let error = #expect(throws: RunDocumentError.self) {
      try RunDocument(yaml: "model: m", environment: testEnvironment).requireCalibrationText()
    }
    #expect(error?.code == .missingKey)
    #expect(
      error?.message
        == "calibration.text: missing; the criterion ntk needs text (magnitude and random do not)")
  }
}
