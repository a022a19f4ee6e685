import Architectures
import Artifacts
import Calibration
import Pipeline
import TestSupport
import Testing

/// The calibration sets that a document asks to choose from, and what they are compared on.
@Suite struct CandidatesTests {
  let folder: TemporaryFolder
  let reader: TextReader

  init() throws {
    folder = try TemporaryFolder()
    reader = TextReader(try Model(path: Fixtures.demoModel))
    try folder.writeDemoTexts(first: 20_000, second: 20_000)
    // Two rows of the numbers from 0 to 79, and three from 500.
    try folder.write(Self.rows([(0..<40), (40..<80), (500..<540), (540..<580), (580..<620)]), to: "rows.safetensors")
  }

  static func rows(_ rows: [Range<Int>]) -> [UInt8] {
    SafetensorsBytes.inputIDs(rows.map { $0.map(Int32.init) })
  }

  /// Small sets, so that a short text has many: 4 sequences of 32 tokens, and 6 of 16 held out.
  func document(
    _ texts: [String], _ assignments: [String] = [], further: [String] = [], heldOut: String? = nil
  ) throws -> RunDocument {
    let small = ["calibration.sequences=4", "calibration.length=32", "selection.sequences=6", "selection.length=16"]
    var overrides = try (small + assignments).map { try RunOverride(assignment: $0) }
    overrides.append(RunOverride(key: "calibration.text", values: texts.map(folder.file), source: "test"))
    overrides.append(RunOverride(key: "selection.texts", values: further.map(folder.file), source: "test"))
    if let heldOut {
      overrides.append(RunOverride(key: "selection.held-out", value: folder.file(heldOut), source: "test"))
    }
    return try RunDocument(yaml: "model: \(Fixtures.demoModel)", overrides: overrides)
  }

  /// Each candidate is the very set that the document would have with that text and seed alone.
  @Test func areSetsOfTheirOwn() throws {
    let (sets, heldOut) = try reader.candidates(
      document(
        ["first.txt", "second.txt"], ["selection.seeds=3", "calibration.seed=5"],
        further: ["second.txt", "rows.safetensors"]))
    let (both, second, rows) = (
      ["first.txt", "second.txt"].map(folder.file), [folder.file("second.txt")], [folder.file("rows.safetensors")]
    )
    #expect(sets.map(\.text) == [both, both, both, second, second, second, rows])
    #expect(sets.map(\.seed) == [5, 6, 7, 5, 6, 7, 5])
    for set in sets {
      let names = set.text == both ? ["first.txt", "second.txt"] : set.text == second ? ["second.txt"] : nil
      let alone = try document(names ?? ["rows.safetensors"], ["calibration.seed=\(set.seed)"])
      #expect(set.sequences == (try reader.sequences(alone.calibration)))
      #expect(set.sequences.count == 4)
    }
    #expect(Set(sets.map(\.sequences)).count == 7)
    #expect(heldOut.count == 6 && heldOut.allSatisfy { $0.count == 16 })
  }

  /// What is held out is of the calibration text, but in no candidate: numbered words show where each token is from.
  @Test(arguments: [nil, "numbers.txt"]) func heldOutIsDisjoint(named: String?) throws {
    let numbers = (0..<4000).map { "<\($0)>" }.joined()
    try folder.write(numbers, to: "numbers.txt")
    let (sets, heldOut) = try reader.candidates(
      document(
        ["numbers.txt"], ["selection.seeds=20", "selection.sequences=40"], further: ["numbers.txt"], heldOut: named))
    #expect(sets.count == 40 && heldOut.count == 40)
    // 8 tokens of this text say where it is: no two stretches of it are the same.
    func stretches(_ sequences: [[Int32]]) -> [[Int32]] {
      sequences.flatMap { ids in (0...ids.count - 8).map { Array(ids[$0..<$0 + 8]) } }
    }
    let taken = Set(sets.flatMap { stretches($0.sequences) })
    let free = stretches(heldOut)
    #expect(Set(free).count == free.count && taken.count > 500)
    #expect(taken.isDisjoint(with: free))
    let again = try reader.candidates(
      document(
        ["numbers.txt"], ["selection.seeds=20", "selection.sequences=40"], further: ["numbers.txt"], heldOut: named))
    #expect(again.heldOut == heldOut)
  }

  /// Of a file of sequences the rows that are not calibrated on are held out, and none goes over a row's end.
  @Test func heldOutRows() throws {
    let (sets, heldOut) = try reader.candidates(
      document(
        ["rows.safetensors"], ["calibration.sequences=2", "selection.seeds=9", "selection.sequences=6"],
        further: ["first.txt"]))
    #expect(sets.count == 10)
    #expect(sets[0].sequences.map { $0[0] } == [0, 40])
    #expect(Set(heldOut.map { $0[0] }) == [500, 516, 540, 556, 580, 596])
    #expect(heldOut.allSatisfy { ids in ids == (0..<16).map { ids[0] + $0 } })
  }

  @Test func heldOutOfAnotherText() throws {
    let (_, heldOut) = try reader.candidates(
      document(
        ["first.txt"], ["selection.seeds=2", "selection.sequences=5", "selection.length=40"],
        heldOut: "rows.safetensors"))
    #expect(Set(heldOut.map { $0[0] }) == [0, 40, 500, 540, 580])
  }

  /// One candidate is no choice, and nothing is held out for it.
  @Test func one() throws {
    for document in [
      try document(["first.txt"], heldOut: "missing.txt"), try document(["rows.safetensors"], ["selection.seeds=5"]),
    ] {
      let (sets, heldOut) = try reader.candidates(document)
      #expect(sets.count == 1 && heldOut.isEmpty)
      #expect(sets[0].sequences == (try reader.sequences(document.calibration)))
    }
  }

  @Test func seedsGoRound() throws {
    let document = try document(["first.txt"], ["selection.seeds=2", "calibration.seed=18446744073709551615"])
    #expect(try reader.candidates(document).sets.map(\.seed) == [.max, 0])
  }

  /// Too little text, and what no machine would finish.
  @Test(arguments: [
    ("first.txt", ["selection.sequences=2000"], "make \\d+ sequences of 16 to hold out, not 2000; give more text"),
    (
      "first.txt", ["selection.length=100000", "selection.sequences=1"], "make 0 sequences of 100000 to hold out, not 1"
    ),
    ("first.txt", ["calibration.sequences=2000"], "not 2000; give more text"),
    ("first.txt", ["selection.sequences=2147483647"], "too many"),
    ("rows.safetensors", ["selection.length=41"], "40 tokens that no candidate has make 0 sequences of 41"),
  ]) func tooFew(text: String, assignments: [String], part: String) throws {
    let document = try document(
      [text], ["selection.seeds=2"] + assignments, further: text == "first.txt" ? [] : ["first.txt"])
    let error = try #require(throws: CalibrationError.self) { try reader.candidates(document) }
    #expect(try error.message.contains(Regex(part)), "\(error)")
  }

  @Test(arguments: [257, 1_000_000_000, 2_147_483_647]) func tooMany(seeds: Int) throws {
    let document = try document(["first.txt"], ["selection.seeds=\(seeds)"], further: ["second.txt"])
    let error = try #require(throws: RunDocumentError.self) { try reader.candidates(document) }
    #expect(error.message.contains("selection.seeds: \(seeds) make \(2 * seeds) candidates"), "\(error)")
  }
}
