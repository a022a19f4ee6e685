import Architectures
import Artifacts
import Calibration
import Pipeline
import TestSupport
import Testing

/// What the sequences start with that a model writes.
@Suite struct PromptTests {
  let folder: TemporaryFolder
  let reader: TextReader

  init() throws {
    folder = try TemporaryFolder()
    reader = TextReader(try Model(path: Fixtures.demoModel))
    try folder.writeDemoTexts(first: 8000, second: 300)
  }

  private func prompts(_ texts: [String], _ assignments: [String]) throws -> (ids: [[Int32]], different: Int) {
    var overrides = try assignments.map { try RunOverride(assignment: "generation.\($0)") }
    overrides.append(RunOverride(key: "generation.text", values: texts.map(folder.file), source: "test"))
    return try reader.prompts(try RunDocument(yaml: "model: \(Fixtures.demoModel)", overrides: overrides))
  }

  /// They are stretches of the text, each another one while there are any, chosen by the seed.
  @Test func areOfTheText() throws {
    let (ids, different) = try prompts(["first.txt"], ["sequences=30", "prompt=8"])
    #expect(ids.count == 30 && different == 30 && Set(ids).count == 30 && ids.allSatisfy { $0.count == 8 })
    let all = try prompts(["first.txt"], ["sequences=600", "prompt=8"])
    #expect(all.different < 600)
    #expect(Set(ids).isSubset(of: all.ids))
    #expect(try prompts(["first.txt"], ["sequences=30", "prompt=8"]).ids == ids)
    #expect(try prompts(["first.txt"], ["sequences=30", "prompt=8", "seed=1"]).ids != ids)
    #expect(try prompts(["first.txt"], ["sequences=3", "prompt=1"]).ids.allSatisfy { $0.count == 1 })
  }

  /// A short text's prompts are taken again in the same order.
  @Test func areTakenAgain() throws {
    let (ids, different) = try prompts(["second.txt"], ["sequences=100", "prompt=16"])
    #expect(ids.count == 100 && different > 1 && different < 20)
    #expect(Set(ids.prefix(different)).count == different)
    #expect(ids.indices.allSatisfy { ids[$0] == ids[$0 % different] })
  }

  /// Each text gives its part, a file of tokens the first tokens of its sequences.
  @Test func areOfSeveralTexts() throws {
    let rows: [[Int32]] = (0..<5).map { row in (0..<12).map { Int32(row * 100 + $0) } }
    try folder.write(SafetensorsBytes.inputIDs(rows), to: "ids.safetensors")
    let (ids, different) = try prompts(["ids.safetensors", "first.txt"], ["sequences=7", "prompt=9"])
    #expect(ids.count == 7 && different == 7)
    let firsts = rows.map { Array($0.prefix(9)) }
    #expect(Set(ids.prefix(4)).isSubset(of: firsts) && Set(ids.prefix(4)).count == 4)
    #expect(ids.suffix(3) == (try prompts(["first.txt"], ["sequences=3", "prompt=9"]).ids)[...])
    #expect(try prompts(["ids.safetensors"], ["sequences=13", "prompt=12"]).different == 5)
  }
}
