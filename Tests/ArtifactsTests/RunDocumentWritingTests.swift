import Artifacts
import Foundation
import Testing

/// The text of a file in Tests/Fixtures.
func fixture(_ name: String) throws -> String {
  let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  return try String(contentsOf: tests.appendingPathComponent("Fixtures/\(name)"), encoding: .utf8)
}

@Suite struct RunDocumentWritingTests {
  @Test func resolvedDocumentIsExactlyThis() throws {
    let yaml = "model: ~/m o\ncalibration: {text: [a.txt, 'b: c#*&.jsonl']}\nresources: {memory-limit: 1536MiB}"
    let document = try RunDocument(yaml: yaml, environment: testEnvironment)
    #expect(try document.resolvedYAML() == fixture("run-document-resolved.yaml"))
  }

  @Test func schemaTextIsExactlyThis() throws {
    let text = RunDocument.schemaText()
    #expect(try text == fixture("run-document-keys.txt"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test(arguments: [
    "plain/path-1.txt", "with space", "colon: here", "trailing:", "#hash", "a #b", "- dash", "-dash", "? x", "*star",
    "&and", "!bang", "%percent", "@at", "`tick", "'single'", "\"double\"", "back\\slash", "[list]", "{map}", "null",
    "yes", "No", "TRUE", "1.5", "0x1F", ".5", ".inf", "12:30:45", "2001-01-01", "auto", "<<", "=", "é", "日本語/模型",
    "👩‍👩‍👧 family", "new\nline", "tab\there", "bell\u{7}", "\u{85}\u{2028}\u{2029}", "a\u{FEFF}bom", "\u{E000}\u{E001}",
    "e000", "\u{FFFE}", "\u{10FFFF}", " leading", "trailing ", "...", "---", "|", ">", "a,b", "\u{7F}",
    "e\u{301}", "./~home",
  ])
  func anyPathReadsAgain(path: String) throws {
    let document = try RunDocument(model: "/models", environment: testEnvironment).applying(
      [
        RunOverride(key: "output", value: "/out/" + path), RunOverride(key: "run-folder", value: path),
        RunOverride(key: "calibration.text", values: [path, "x" + path]),
        RunOverride(key: "evaluation.text", value: "t" + path),
      ], environment: testEnvironment)
    let again = try RunDocument(yaml: document.resolvedYAML(), environment: testEnvironment)
    #expect(again == document)
    #expect(again.resolvedYAML() == document.resolvedYAML())
    #expect(Array(again.runFolder.utf8) == Array(path.utf8))
    #expect(again.calibration.text.map { Array($0.utf8) } == [path, "x" + path].map { Array($0.utf8) })
  }

  /// Documents drawn at random over all keys read again as equal ones with the same digest.
  @Test func randomDocumentsReadAgain() throws {
    var generator = SplitMix(state: 3)
    for _ in 0..<150 {
      func pick(_ choices: [String]) -> String { choices.randomElement(using: &generator) ?? "" }
      func count(_ minimum: Int) -> String { "\(Int.random(in: minimum...5000, using: &generator))" }
      let characters = Array("ab/. :#'\"\\*&?!-é日\n\t{}[],~0")
      let path = "p" + String((0..<8).map { _ in characters.randomElement(using: &generator) ?? "a" })
      let sparsity = Double.random(in: 0..<1, using: &generator)
      let gamma = Double.random(in: 1e-9...1e9, using: &generator)
      let values = [
        "output": "/o/x" + path, "run-folder": "/r/" + path, "overwrite": pick(["true", "false"]),
        "calibration.text": path, "calibration.sequences": count(1), "calibration.length": count(1),
        "calibration.seed": "\(generator.next())", "calibration.special-tokens": pick(["true", "false"]),
        "scoring.criterion": pick(["ntk", "magnitude", "random"]), "scoring.objective": pick(["max-logit", "loss"]),
        "scoring.accumulation": pick(["signed", "absolute"]), "scoring.seed": "\(generator.next())",
        "allocation.method": pick(["global", "uniform"]), "allocation.sparsity": "\(sparsity)",
        "allocation.gamma": pick(["auto", "\(gamma)"]), "allocation.round-to": count(1),
        "evaluation.text": path, "evaluation.window": "5000", "evaluation.stride": count(1),
        "evaluation.limit": pick(["null", count(1)]), "repacking.layout": pick(["auto", "per-layer", "native"]),
        "repacking.shard-size": count(1) + pick(["", "kB", "MiB", "TB"]),
        "resources.threads": pick(["auto", count(1)]),
        "resources.memory-limit": pick(["null", count(1) + "KiB"]), "resources.weights": pick(["auto", "owner"]),
        "resources.backend": pick(["cpu", "reference"]), "resources.microbatch": pick(["auto", count(1)]),
      ]
      let overrides = values.sorted { $0.key < $1.key }.map { RunOverride(key: $0.key, value: $0.value) }
      let document = try RunDocument(model: path + "/m", environment: testEnvironment)
        .applying(overrides, environment: testEnvironment)
      let again = try RunDocument(yaml: document.resolvedYAML(), environment: testEnvironment)
      #expect(again == document)
      #expect(again.digest == document.digest)
      #expect(again.allocation == document.allocation && again.calibration == document.calibration)
    }
  }
}
