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
    #expect(document.resources.compute == .auto && document.resources.recompute == .auto)
    #expect(document.resources.microbatch == nil && document.resources.saveInterval == 60)
    #expect(try document == RunDocument(model: "models/SmolLM2-135M/", environment: testEnvironment))
  }

  @Test func everyTrainingKeyHasItsDefault() throws {
    let document = try RunDocument(yaml: "model: m", environment: testEnvironment)
    let (selection, tuning, recovery) = (document.selection, document.tuning, document.recovery)
    #expect(selection.seeds == 1 && selection.texts.isEmpty && selection.heldOut == nil)
    #expect(selection.sequences == 128 && selection.length == 64)
    #expect(tuning.steps == 0 && tuning.text.isEmpty && tuning.length == 256 && tuning.batch == 2)
    #expect(tuning.sequences == nil && recovery.sequences == nil)
    #expect(tuning.accumulation == 1 && tuning.seed == 0 && tuning.objective == .distillation)
    #expect(tuning.temperature == 1 && tuning.mask == .hard && tuning.granularity == .unit && tuning.block == 64)
    #expect(tuning.tau == 1 && tuning.tauEnd == 1 && tuning.attentionWeight == 0 && tuning.mlpWeight == 0)
    #expect(tuning.budget == .penalty && tuning.budgetWeight == 100 && tuning.learningRate == 0.1)
    #expect(
      tuning.scaleLearningRate == 0.05 && tuning.warmUp == 5 && tuning.decay == .cosine && tuning.clip == 1
        && tuning.stages == 1)
    #expect(tuning.schedule == .oneShot && !tuning.rescore && tuning.validation == 16)
    #expect(tuning.stopAt == nil && tuning.saveEvery == 20)
    #expect(recovery.steps == 0 && recovery.text.isEmpty && recovery.length == 256 && recovery.batch == 4)
    #expect(recovery.accumulation == 1 && recovery.seed == 0 && recovery.objective == .distillation)
    #expect(recovery.temperature == 1 && recovery.teacher == nil && recovery.rank == 8 && recovery.alpha == 16)
    #expect(recovery.dropout == 0 && recovery.targets == [.query, .key, .value, .output, .gate, .up, .down])
    #expect(recovery.learningRate == 0.003 && recovery.weightDecay == 0 && recovery.warmUp == 5)
    #expect(recovery.clip == 1 && recovery.validation == 16 && recovery.saveEvery == 20)
    #expect(document.exchange.codec == .exact && document.scoring.exchange == .none)
  }

  @Test func everyTrainingKeyIsRead() throws {
    let yaml = """
      model: m
      calibration: {text: c.txt}
      selection: {seeds: 5, texts: [~/a.txt, b.txt], held-out: h.txt, sequences: 12, length: 32}
      scoring: {exchange: int8}
      tuning:
        {steps: 60, text: t.txt, length: 99, sequences: 40, batch: 6, accumulation: 3, seed: 4, objective: loss, temperature: 2,
         mask: soft, granularity: block, block: 32, tau: 0.5, tau-end: 0.1, attention-weight: 1e-3, mlp-weight: 2,
         budget: lagrangian, budget-weight: 7, learning-rate: 0.2, scale-learning-rate: 0, warm-up: 0, clip: null,
         stages: 4, schedule: cubic, rescore: true, validation: 0, stop-at: 1.5, save-every: 0}
      recovery:
        {steps: 9, text: [r.json, s.jsonl], length: 11, sequences: 8, batch: 1, accumulation: 2, seed: 3, objective: loss,
         temperature: 4, teacher: ~/dense, rank: 4, alpha: 8, dropout: 0.05, targets: [down, query, down],
         learning-rate: 2e-4, weight-decay: 0.01, warm-up: 1, clip: 2.5, validation: 3, save-every: 7}
      exchange: {codec: auto}
      """
    let document = try RunDocument(yaml: yaml, environment: testEnvironment)
    let (selection, tuning, recovery) = (document.selection, document.tuning, document.recovery)
    #expect(selection.seeds == 5 && selection.texts == ["/home/user/a.txt", "b.txt"])
    #expect(selection.heldOut == "h.txt" && selection.sequences == 12 && selection.length == 32)
    #expect(tuning.sequences == 40 && recovery.sequences == 8)
    #expect(tuning.steps == 60 && tuning.text == ["t.txt"] && tuning.length == 99 && tuning.batch == 6)
    #expect(tuning.accumulation == 3 && tuning.seed == 4 && tuning.objective == .loss && tuning.temperature == 2)
    #expect(tuning.mask == .soft && tuning.granularity == .block && tuning.block == 32)
    #expect(tuning.tau == 0.5 && tuning.tauEnd == 0.1 && tuning.attentionWeight == 0.001 && tuning.mlpWeight == 2)
    #expect(tuning.budget == .lagrangian && tuning.budgetWeight == 7 && tuning.learningRate == 0.2)
    #expect(tuning.scaleLearningRate == 0 && tuning.warmUp == 0 && tuning.clip == nil && tuning.stages == 4)
    #expect(tuning.schedule == .cubic && tuning.rescore && tuning.validation == 0)
    #expect(tuning.stopAt == 1.5 && tuning.saveEvery == 0)
    #expect(recovery.steps == 9 && recovery.text == ["r.json", "s.jsonl"] && recovery.length == 11)
    #expect(recovery.batch == 1 && recovery.accumulation == 2 && recovery.seed == 3 && recovery.objective == .loss)
    #expect(recovery.temperature == 4 && recovery.teacher == "/home/user/dense" && recovery.rank == 4)
    #expect(recovery.alpha == 8 && recovery.dropout == 0.05 && recovery.targets == [.query, .down])
    #expect(recovery.learningRate == 0.0002 && recovery.weightDecay == 0.01 && recovery.warmUp == 1)
    #expect(recovery.clip == 2.5 && recovery.validation == 3 && recovery.saveEvery == 7)
    #expect(document.exchange.codec == .auto && document.scoring.exchange == .int8)
  }

  @Test func generationIsRead() throws {
    let generation = try RunDocument(model: "m", environment: testEnvironment).generation
    #expect(generation.sequences == 0 && generation.length == 512 && generation.text.isEmpty)
    #expect(generation.prompt == 16 && generation.temperature == 1 && generation.seed == 0)
    let yaml = """
      model: m
      calibration: {text: c.txt}
      generation: {sequences: 400, length: 64, prompt: 1, temperature: 0.5, seed: 3}
      """
    let document = try RunDocument(yaml: yaml, environment: testEnvironment)
    #expect(document.generation.sequences == 400 && document.generation.length == 64)
    #expect(document.generation.prompt == 1 && document.generation.temperature == 0.5 && document.generation.seed == 3)
    #expect(document.generationText == ["c.txt"])
    let own = try RunDocument(yaml: yaml.replacing("prompt: 1", with: "text: [p, q]"), environment: testEnvironment)
    #expect(own.generationText == ["p", "q"] && own.generation.prompt == 16)
  }

  /// Text that tuning or recovery lacks is taken from what comes before.
  @Test func trainingTextFollows() throws {
    func texts(_ yaml: String) throws -> [[String]] {
      let document = try RunDocument(yaml: "model: m\n" + yaml, environment: testEnvironment)
      return [document.tuningText, document.recoveryText]
    }
    #expect(try texts("calibration: {text: c}") == [["c"], ["c"]])
    #expect(try texts("calibration: {text: c}\ntuning: {text: [t, u]}") == [["t", "u"], ["t", "u"]])
    #expect(try texts("calibration: {text: c}\nrecovery: {text: r}") == [["c"], ["r"]])
  }

  @Test(arguments: [
    ("[all-linear]", RecoveryTarget.allCases), ("all-linear", RecoveryTarget.allCases),
    ("'gate, up,down'", [.gate, .up, .down]), ("value", [.value]), ("[value, 'query,key']", [.query, .key, .value]),
  ])
  func targets(yaml: String, targets: [RecoveryTarget]) throws {
    let document = try RunDocument(yaml: "model: m\nrecovery: {targets: \(yaml)}", environment: testEnvironment)
    #expect(document.recovery.targets == targets)
    let again = try RunDocument(yaml: document.resolvedYAML(), environment: testEnvironment)
    #expect(again.recovery.targets == targets)
  }

  @Test func targetsFromTheCommandLine() throws {
    let document = try RunDocument(model: "m", environment: testEnvironment).applying(
      [RunOverride(assignment: "recovery.targets=down,query")], environment: testEnvironment)
    #expect(document.recovery.targets == [.query, .down])
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
      resources: {threads: 4, memory-limit: 2GiB, weights: files, backend: reference, microbatch: 2048, compute: bf16,
        recompute: never, save-interval: 2.5}
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
    #expect(document.resources.compute == .bf16 && document.resources.recompute == .never)
    #expect(document.resources.microbatch == 2048 && document.resources.saveInterval == 2.5)
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
