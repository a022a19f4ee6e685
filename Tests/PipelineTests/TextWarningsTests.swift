import Artifacts
import Calibration
import Evaluation
import Pipeline
import TestSupport
import Testing

/// What is told of texts that are not as one would think.
@Suite struct TextWarningsTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.writeDemoTexts(first: 8000, second: 8000)
  }

  /// The inputs of a run of the demo; of `texts` each key names files of the folder.
  func inputs(
    _ assignments: [String], _ texts: [String: [String]], needs: Inputs.Needs = [.calibration, .evaluation]
  ) throws -> Inputs {
    var overrides = try assignments.map { try RunOverride(assignment: $0) }
    for (key, files) in texts {
      overrides.append(
        key == "evaluation.text"
          ? RunOverride(key: key, value: folder.file(files[0]), source: "test")
          : RunOverride(key: key, values: files.map(folder.file), source: "test"))
    }
    return try Inputs(RunDocument(yaml: "model: \(Fixtures.demoModel)", overrides: overrides), needs: needs)
  }

  func writeIDs(_ name: String, sequences: Int, tokens: Int, seed: UInt64 = 1) throws {
    var random = SeededGenerator(seed: seed)
    let ids = (0..<sequences).map { _ in (0..<tokens).map { _ in Int32.random(in: 0..<1024, using: &random) } }
    try folder.write(SafetensorsBytes.inputIDs(ids), to: name)
  }

  static let few = ["calibration.sequences=6", "calibration.length=32"]

  /// A default is no longer than the demo's 512 positions; what was asked for stays, and is told of.
  @Test func windowOfTheModel() throws {
    let own = try inputs(Self.few, ["calibration.text": ["first.txt"], "evaluation.text": ["second.txt"]])
    #expect(own.document.evaluation.window == 512 && own.document.evaluation.stride == 512)
    #expect(own.windows.first?.ids.count == 512 && own.warnings == [])
    let asked = try inputs(
      Self.few + ["evaluation.window=1024"], ["calibration.text": ["first.txt"], "evaluation.text": ["second.txt"]])
    #expect(asked.windows.first?.ids.count == 1024)
    #expect(
      asked.warnings == [
        "evaluation.window is 1024, but the model was made for 512 positions (max_position_embeddings)"
      ])
  }

  /// Evaluation text that units were scored on is told of, whatever its file is called.
  @Test(arguments: ["first.txt", "copy.txt", "both.jsonl"]) func flattery(evaluation: String) throws {
    let first = try String(decoding: folder.read("first.txt"), as: UTF8.self)
    try folder.write(first, to: "copy.txt")
    let second = try String(decoding: folder.read("second.txt"), as: UTF8.self)
    let lines = try [second, first].map { try JSONLine($0).text }
    try folder.write(lines.joined(separator: "\n"), to: "both.jsonl")
    let texts = ["calibration.text": ["first.txt"], "evaluation.text": [evaluation]]
    #expect(
      try inputs(Self.few, texts).warnings == [
        "evaluation.text has 6 of 6 sequences of calibration.text: perplexity flatters on text that a model was fitted to; "
          + "measure on another"
      ])
  }

  private struct JSONLine {
    let text: String
    init(_ string: String) throws {
      let escaped = string.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      text = "{\"text\": \"\(escaped)\"}"
    }
  }

  /// Training text counts too.
  @Test func flatteryOfTraining() throws {
    let warnings = try inputs(
      Self.few + ["recovery.steps=2", "recovery.length=64", "recovery.batch=2", "recovery.validation=1"],
      ["calibration.text": ["first.txt"], "recovery.text": ["second.txt"], "evaluation.text": ["second.txt"]],
      needs: [.calibration, .evaluation, .recovery]
    ).warnings
    #expect(warnings.count == 1 && warnings[0].hasPrefix("evaluation.text has 5 of 5 sequences of recovery.text: "))
  }

  /// A text named twice gives its sequences twice.
  @Test func namedTwice() throws {
    let warnings = try inputs(Self.few, ["calibration.text": ["first.txt", "first.txt"]], needs: .calibration).warnings
    #expect(warnings == ["calibration.text: 6 sequences, of which 3 are different; is a text named twice?"])
    try folder.write(folder.read("first.txt"), to: "copy.txt")
    let copies = try inputs(
      Self.few + ["selection.sequences=4"],
      ["calibration.text": ["first.txt"], "selection.texts": ["second.txt", "copy.txt"]],
      needs: [.calibration, .selection]
    ).warnings
    #expect(copies.count == 1)
    #expect(copies[0].contains("candidate 3 (") && copies[0].contains("has the sequences of candidate 1; is a text"))
  }

  /// Files of tokens have their own length.
  @Test func lengthsOfTokenFiles() throws {
    try writeIDs("ids.safetensors", sequences: 8, tokens: 24)
    let file = folder.file("ids.safetensors")
    #expect(
      try inputs(Self.few, ["calibration.text": ["ids.safetensors"]], needs: .calibration).warnings == [
        "calibration.length is 32, but the sequences of \(file) have 24 tokens, and are taken so"
      ])
    #expect(
      try inputs(["calibration.sequences=6"], ["calibration.text": ["ids.safetensors"]], needs: .calibration).warnings
        == [])
    try writeIDs("single.safetensors", sequences: 8, tokens: 1)
    let error = #expect(throws: CalibrationError.self) {
      try inputs(["calibration.sequences=6"], ["calibration.text": ["single.safetensors"]], needs: .calibration)
    }
    #expect(
      error?.message == "\(folder.file("single.safetensors")): sequences of 1 token, in which nothing follows from "
        + "anything; give sequences of 2 tokens or more")
  }

  /// Fewer sequences to train on than were asked for.
  @Test func fewerThanAsked() throws {
    try writeIDs("ids.safetensors", sequences: 8, tokens: 24)
    let warnings = try inputs(
      ["tuning.steps=100", "tuning.sequences=20", "tuning.validation=1"], ["tuning.text": ["ids.safetensors"]],
      needs: .tuning
    ).warnings
    #expect(warnings == ["tuning.sequences is 20, but the text has 8, which steps take again"])
  }

  /// What reading a text leaves unread reaches the report.
  @Test func notesOfReading() throws {
    let first = try String(decoding: folder.read("first.txt"), as: UTF8.self)
    try folder.write("{\"text\": \"\\udc00\"}\n" + JSONLine(first).text, to: "first.jsonl")
    let file = folder.file("first.jsonl")
    let warnings = try inputs(Self.few, ["calibration.text": ["first.jsonl"]], needs: .calibration).warnings
    #expect(
      warnings == ["\(file): line 1: half a surrogate pair stands for no character and was read as U+FFFD, 1 in all"])
  }
}
