import Artifacts
import Testing

@Suite struct RunDocumentOverrideTests {
  private func base() throws -> RunDocument {
    try RunDocument(yaml: "model: m\nallocation: {sparsity: 0.2}", environment: testEnvironment)
  }

  @Test func overridesStandAboveTheDocument() throws {
    let document = try base().applying(
      [
        RunOverride(key: "allocation.sparsity", value: "0.4", source: "--sparsity 0.4"),
        RunOverride(key: "calibration.text", values: ["a: b.txt", "~/c.txt"]),
        RunOverride(key: "evaluation.limit", value: "5"), RunOverride(key: "evaluation.limit", value: "null"),
        RunOverride(assignment: "repacking.shard-size=1MiB"), RunOverride(assignment: "output=a=b"),
      ], environment: testEnvironment)
    #expect(document.allocation.sparsity == 0.4)
    #expect(document.calibration.text == ["a: b.txt", "/home/user/c.txt"])
    #expect(document.evaluation.limit == nil)
    #expect(document.repacking.shardSize.bytes == 1 << 20)
    #expect(document.output == "a=b")
    #expect(document.origin(of: "allocation.sparsity") == "--sparsity 0.4")
    #expect(document.origin(of: "allocation.gamma") == nil)
  }

  @Test func listsStandInBrackets() throws {
    func document(_ assignment: String) throws -> RunDocument {
      try base().applying([RunOverride(assignment: assignment)], environment: testEnvironment)
    }
    #expect(
      try document("tuning.text=[a.txt, b c.jsonl,~/d.txt]").tuning.text == ["a.txt", "b c.jsonl", "/home/user/d.txt"])
    #expect(try document("recovery.targets=[query,down]").recovery.targets == [.query, .down])
    #expect(try document("tuning.text=[]").tuning.text == [])
    // A single value, and a key that takes no list, as they are written.
    #expect(try document("tuning.text=a, b.txt").tuning.text == ["a, b.txt"])
    #expect(try document("output=[a]").output == "[a]")
    let error = #expect(throws: RunDocumentError.self) { try document("tuning.text=[a.txt,]") }
    #expect(error?.message.hasPrefix("--set tuning.text=[a.txt,]: tuning.text: found an empty text") == true)
  }

  @Test func dependentDefaultsFollowOverrides() throws {
    let document = try base().applying(
      [
        RunOverride(key: "model", value: "n"), RunOverride(key: "scoring.criterion", value: "taylor"),
        RunOverride(key: "evaluation.window", value: "64"),
      ], environment: testEnvironment)
    #expect(document.output == "n-pruned" && document.runFolder == "n-pruned.run")
    #expect(document.scoring.objective == .loss && document.evaluation.stride == 64)
  }

  @Test func aFlagCanSupplyWhatTheDocumentLacks() throws {
    let document = try RunDocument(
      yaml: "overwrite: true", overrides: [RunOverride(key: "model", value: "m")], environment: testEnvironment)
    #expect(document.model == "m" && document.overwrite)
  }

  @Test(arguments: [
    (
      RunOverride(key: "allocation.sparsity", value: "1.5"),
      "--set allocation.sparsity=1.5: allocation.sparsity: found 1.5, expected a number, 0 or more and below 1"
    ),
    (
      RunOverride(key: "allocation.sparcity", value: "1", source: "--set allocation.sparcity=1"),
      "--set allocation.sparcity=1: unknown key \"sparcity\" in allocation (did you mean \"sparsity\"?)"
    ),
    (
      RunOverride(key: "sparsity", value: "1", source: "--set sparsity=1"),
      "--set sparsity=1: unknown key \"sparsity\" at top level (did you mean \"allocation.sparsity\"?)"
    ),
    (
      RunOverride(key: "scoring", value: "1"),
      "--set scoring=1: scoring is a section; set one of its keys: criterion, objective, accumulation, seed, exchange"
    ),
    (
      RunOverride(key: "calibration.length", values: ["1", "2"], source: "--length"),
      "--length: calibration.length: found 2 values, expected one, an integer, 2 or more"
    ),
    (
      RunOverride(key: "calibration.text", values: ["a", ""], source: "--text"),
      "--text: calibration.text: found an empty text, expected a file: .txt .jsonl .json (.gz .zst) or .safetensors"
    ),
    (
      RunOverride(key: "run-folder", value: "\u{FEFF}a", source: "--run-folder"),
      "--run-folder: run-folder: found \u{FEFF}a, expected a folder, without a byte order mark in front"
    ),
    (
      RunOverride(key: "evaluation.stride", value: "4096", source: "--stride 4096"),
      "--stride 4096: evaluation.stride: found the stride 4096, expected 1 to the window of 1024"
    ),
    (
      RunOverride(key: "output", value: "m", source: "--output m"),
      "--output m: output: found m, which is or contains the model's folder"
    ),
  ])
  func errorsNameTheFlag(override: RunOverride, message: String) throws {
    let document = try base()
    let error = #expect(throws: RunDocumentError.self) {
      try document.applying([override], environment: testEnvironment)
    }
    #expect(error?.description == message)
  }

  @Test(arguments: ["allocation.sparsity", "=1", ""])
  func assignmentsNeedAnEqualsSign(text: String) {
    let error = #expect(throws: RunDocumentError.self) { try RunOverride(assignment: text) }
    #expect(error?.message == "--set \(text): expected KEY=VALUE, such as allocation.sparsity=0.4")
  }
}
