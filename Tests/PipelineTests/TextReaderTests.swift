import Architectures
import Artifacts
import Calibration
import Evaluation
import Pipeline
import TestSupport
import Testing

/// Texts and token files as the sequences and windows of the demo's model.
@Suite struct TextReaderTests {
  let folder: TemporaryFolder
  let reader: TextReader

  init() throws {
    folder = try TemporaryFolder()
    reader = TextReader(try Model(path: Fixtures.demoModel))
    try folder.writeDemoTexts(first: 8000, second: 8000)
  }

  func document(_ assignments: [String], calibration: [String] = [], evaluation: String? = nil) throws -> RunDocument {
    var overrides = try assignments.map { try RunOverride(assignment: $0) }
    overrides.append(RunOverride(key: "calibration.text", values: calibration.map(folder.file), source: "test"))
    if let evaluation {
      overrides.append(RunOverride(key: "evaluation.text", value: folder.file(evaluation), source: "test"))
    }
    return try RunDocument(yaml: "model: \(Fixtures.demoModel)", overrides: overrides)
  }

  func sequences(_ texts: [String], _ assignments: [String]) throws -> [[Int32]] {
    try reader.sequences(try document(assignments, calibration: texts).calibration)
  }

  func windows(_ text: String, _ assignments: [String]) throws -> [(ids: [Int32], scoredFrom: Int)] {
    let document = try document(assignments, evaluation: text)
    return try reader.windows(document.evaluation, text: folder.file(text)).map { ($0.ids, $0.scoredFrom) }
  }

  /// Ids as a file of `input_ids`, `[sequence, token]`.
  func writeIDs(_ name: String, _ sequences: [[Int32]], type: String = "I32", shape: String? = nil) throws {
    try folder.write(SafetensorsBytes.inputIDs(sequences, type: type, shape: shape), to: name)
  }

  /// Each text gives its part, the first of them one more; together they are what each gives by itself.
  @Test func severalTexts() throws {
    let both = try sequences(["first.txt", "second.txt"], ["calibration.sequences=7", "calibration.length=32"])
    #expect(both.count == 7 && both.allSatisfy { $0.count == 32 })
    let first = try sequences(["first.txt"], ["calibration.sequences=4", "calibration.length=32"])
    let second = try sequences(["second.txt"], ["calibration.sequences=3", "calibration.length=32"])
    #expect(both == first + second || both == Array(first.prefix(3)) + second || both.prefix(4) == first[...])
    #expect(
      both == (try sequences(["first.txt", "second.txt"], ["calibration.sequences=7", "calibration.length=32"])))
    #expect(
      both
        != (try sequences(
          ["first.txt", "second.txt"], ["calibration.sequences=7", "calibration.length=32", "calibration.seed=1"])))
  }

  @Test func tokenFiles() throws {
    let ids: [[Int32]] = (0..<5).map { row in (0..<6).map { Int32(row * 100 + $0) } }
    try writeIDs("ids.safetensors", ids)
    #expect(try sequences(["ids.safetensors"], ["calibration.sequences=3"]) == Array(ids.prefix(3)))
    // Laid end to end for windows, whose context is not counted twice.
    let windows = try windows("ids.safetensors", ["evaluation.window=10", "evaluation.stride=5"])
    #expect(windows.flatMap { $0.ids[$0.scoredFrom...] } == Array(ids.joined().dropFirst()))
    #expect(windows.first?.scoredFrom == 1 && windows.dropFirst().allSatisfy { $0.scoredFrom == 5 })
  }

  @Test func limits() throws {
    let all = try windows("first.txt", ["evaluation.window=64"])
    let some = try windows("first.txt", ["evaluation.window=64", "evaluation.limit=3"])
    #expect(all.count > 10 && some.count == 3)
    #expect(zip(some, all).allSatisfy { $0.ids == $1.ids && $0.scoredFrom == $1.scoredFrom })
    #expect(all.last.map { (2...64).contains($0.ids.count) } == true)
  }

  @Test func warnings() {
    #expect(reader.lengthWarnings("evaluation.window", 512).isEmpty)
    #expect(
      reader.lengthWarnings("evaluation.window", 513) == [
        "evaluation.window is 513, but the model was made for 512 positions (max_position_embeddings)"
      ])
  }

  /// Sequences that cannot be had: which error, and what it says.
  @Test(arguments: [
    (["first.txt", "ids.safetensors"], [], CalibrationError.Code.invalidArgument, "only file"),
    (["ids.safetensors"], ["calibration.sequences=6"], .tooFewTokens, "5 sequences, not 6; ask for fewer"),
    (["first.txt", "second.txt"], ["calibration.sequences=1"], .invalidArgument, "fewer than the 2 texts"),
    (["first.txt"], ["calibration.sequences=1000"], .tooFewTokens, "not 1000; give more text"),
    (["first.txt"], ["calibration.sequences=2147483647"], .invalidArgument, "too many"),
    (["beyond.safetensors"], ["calibration.sequences=1"], .invalidIDs, "vocabulary has 1024"),
    (["negative.safetensors"], ["calibration.sequences=1"], .invalidIDs, "negative"),
    (["flat.safetensors"], ["calibration.sequences=1"], .invalidIDs, "not [sequence, token]"),
  ]) func refusedSequences(texts: [String], assignments: [String], code: CalibrationError.Code, part: String) throws {
    try writeIDs("ids.safetensors", Array(repeating: [1, 2, 3], count: 5))
    try writeIDs("beyond.safetensors", [[1, 1024]])
    try writeIDs("negative.safetensors", [[1, -1]])
    try writeIDs("flat.safetensors", [[1, 2]], shape: "[2]")
    let error = try #require(throws: CalibrationError.self) { try sequences(texts, assignments) }
    #expect(error.code == code && error.message.contains(part), "\(error)")
  }

  func training(_ texts: [String], length: Int = 32, seed: UInt64 = 0, needed: Int = 1000) throws -> TrainingSequences {
    try reader.trainingSequences(
      text: texts.map(folder.file), key: "tuning.text", length: length, seed: seed, needed: needed)
  }

  /// Text, instructions and token files train together; each gives its part.
  @Test func trainingTexts() throws {
    let row = "{\"instruction\": \"Greet.\", \"output\": \"Hi\"}\n"
    try folder.write(String(repeating: row, count: 5), to: "rows.jsonl")
    try writeIDs("ids.safetensors", (0..<9).map { row in (0..<40).map { Int32(row * 100 + $0) } })
    let all = try training(["first.txt", "rows.jsonl", "ids.safetensors"], length: 128, needed: 12).sequences
    #expect(all.count == 12)
    #expect(all[0..<4].allSatisfy { $0.ids.count == 128 && $0.scoredFrom == 1 })
    // The demo's config.json ends texts by token 0.
    #expect(all[4..<8].allSatisfy { $0.ids.count < 128 && $0.scoredFrom > 1 && $0.ids.last == 0 })
    #expect(all[8..<12].allSatisfy { $0.ids.count == 40 && $0.ids[39] == $0.ids[0] + 39 })
    #expect(Set(all[8..<12].map { $0.ids[0] }).count == 4)
    // Less than was asked for is what there is; token sequences are cut to the length.
    let tokens = try training(["ids.safetensors"], length: 16).sequences
    #expect(tokens.count == 9 && tokens.allSatisfy { $0.ids.count == 16 })
    #expect(try training(["ids.safetensors"], seed: 1).sequences != training(["ids.safetensors"]).sequences)
    // What one text lacks the others give.
    let mixed = try training(["ids.safetensors", "first.txt", "rows.jsonl"], length: 128, needed: 24).sequences
    let lengths = mixed.map { $0.scoredFrom > 1 ? 0 : $0.ids.count }
    #expect(lengths.count { $0 == 0 } == 5 && lengths.count { $0 == 40 } == 9 && lengths.count { $0 == 128 } == 10)
    // Each text gives at least one.
    #expect(try training(["first.txt", "second.txt"], needed: 1).sequences.count == 2)
  }

  @Test func refusedTrainingTexts() throws {
    let missing = #expect(throws: RunDocumentError.self) { try training([]) }
    #expect(missing?.message == "tuning.text: missing; name a text to train on")
    try writeIDs("beyond.safetensors", [[1, 1024]])
    try writeIDs("single.safetensors", [[1], [2]])
    for (name, part) in [("beyond", "vocabulary has 1024"), ("single", "has no target")] {
      let file = "\(name).safetensors"
      let error = #expect(throws: CalibrationError.self) { try training([file]) }
      #expect(error?.code == .invalidIDs && error?.message.contains(part) == true, "\(name)")
      #expect(error?.message.hasPrefix(folder.file(file)) == true)
    }
    let short = #expect(throws: CalibrationError.self) { try training(["first.txt"], length: 100_000) }
    #expect(short?.code == .tooFewTokens)
  }

  /// Windows that cannot be had.
  @Test(arguments: [
    (["evaluation.window=100000", "evaluation.limit=1"], "make no window of 100000"),
    (["evaluation.window=64", "evaluation.limit=1000"], "windows of 64, not 1000; lower evaluation.limit"),
    (["evaluation.window=2147483647", "evaluation.limit=2147483647"], "make no window of"),
  ]) func refusedWindows(assignments: [String], part: String) throws {
    let error = try #require(throws: CalibrationError.self) { try windows("first.txt", assignments) }
    #expect(error.code == .tooFewTokens && error.message.contains(part), "\(error)")
    #expect(error.message.hasPrefix(folder.file("first.txt")), "\(error)")
  }
}
