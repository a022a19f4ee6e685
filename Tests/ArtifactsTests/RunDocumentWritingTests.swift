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
      // Method, gamma, granularity and block must fit each other.
      let (method, roundTo) = (pick(["global", "uniform", "depth"]), count(1))
      let values = [
        "output": "/o/x" + path, "run-folder": "/r/" + path, "overwrite": pick(["true", "false"]),
        "calibration.text": path, "calibration.sequences": count(1), "calibration.length": count(1),
        "calibration.seed": "\(generator.next())", "calibration.special-tokens": pick(["true", "false"]),
        "selection.seeds": count(1), "selection.texts": path, "selection.held-out": pick(["null", path]),
        "selection.sequences": count(1), "selection.length": count(2),
        "generation.sequences": count(0), "generation.length": "5001", "generation.text": path,
        "generation.prompt": count(1), "generation.temperature": "\(gamma)", "generation.seed": "\(generator.next())",
        "tuning.steps": count(0), "tuning.text": path, "tuning.length": count(2), "tuning.batch": count(1),
        "tuning.sequences": pick(["null", count(1)]), "recovery.sequences": pick(["null", count(1)]),
        "tuning.accumulation": count(1), "tuning.seed": "\(generator.next())",
        "tuning.objective": pick(["distillation", "loss"]), "tuning.temperature": "\(gamma)",
        "tuning.mask": pick(["hard", "soft"]),
        "tuning.granularity": method == "depth" ? "sublayer" : pick(["unit", "block"]),
        "tuning.block": roundTo, "tuning.tau": "\(gamma)", "tuning.tau-end": "\(gamma)",
        "tuning.attention-weight": "\(sparsity)", "tuning.mlp-weight": pick(["0", "\(gamma)"]),
        "tuning.budget": pick(["penalty", "lagrangian", "rank", "none"]), "tuning.budget-weight": "\(sparsity)",
        "tuning.learning-rate": "\(gamma)", "tuning.scale-learning-rate": "\(sparsity)", "tuning.warm-up": count(0),
        "tuning.clip": pick(["null", "\(gamma)"]), "tuning.stages": count(1),
        "tuning.schedule": pick(["one-shot", "linear", "cubic"]), "tuning.rescore": pick(["true", "false"]),
        "tuning.validation": count(0), "tuning.stop-at": pick(["null", "\(1.5 + sparsity)"]),
        "tuning.save-every": count(0),
        "recovery.steps": count(0), "recovery.text": path, "recovery.length": count(2), "recovery.batch": count(1),
        "recovery.accumulation": count(1), "recovery.seed": "\(generator.next())",
        "recovery.objective": pick(["distillation", "loss"]), "recovery.temperature": "\(gamma)",
        "recovery.teacher": pick(["null", path]), "recovery.rank": count(1), "recovery.alpha": "\(gamma)",
        "recovery.dropout": "\(sparsity)", "recovery.targets": pick(["all-linear", "up,key", "down"]),
        "recovery.learning-rate": "\(gamma)", "recovery.weight-decay": "\(sparsity)", "recovery.warm-up": count(0),
        "recovery.clip": pick(["null", "\(gamma)"]), "recovery.validation": count(0), "recovery.save-every": count(0),
        "exchange.codec": pick(["exact", "bf16", "int8", "none", "auto"]),
        "scoring.criterion": pick(["ntk", "magnitude", "random"]), "scoring.objective": pick(["max-logit", "loss"]),
        "scoring.accumulation": pick(["signed", "absolute"]), "scoring.seed": "\(generator.next())",
        "allocation.method": method, "allocation.sparsity": "\(sparsity)",
        "allocation.gamma": method == "depth" ? "auto" : pick(["auto", "\(gamma)"]), "allocation.round-to": roundTo,
        "evaluation.text": path, "evaluation.window": "5000", "evaluation.stride": count(1),
        "evaluation.limit": pick(["null", count(1)]), "repacking.layout": pick(["auto", "per-layer", "native"]),
        "repacking.shard-size": count(1) + pick(["", "kB", "MiB", "TB"]),
        "resources.threads": pick(["auto", count(1)]),
        "resources.memory-limit": pick(["null", count(1) + "KiB"]), "resources.weights": pick(["auto", "owner"]),
        "resources.compute": pick(["auto", "f32", "bf16"]), "resources.recompute": pick(["auto", "always", "never"]),
        "resources.backend": pick(["cpu", "reference"]), "resources.microbatch": pick(["auto", count(1)]),
        "resources.save-interval": pick(["0", "\(gamma)"]),
      ]
      let overrides = values.sorted { $0.key < $1.key }.map { RunOverride(key: $0.key, value: $0.value) }
      let document = try RunDocument(model: path + "/m", environment: testEnvironment)
        .applying(overrides, environment: testEnvironment)
      let again = try RunDocument(yaml: document.resolvedYAML(), environment: testEnvironment)
      #expect(again == document)
      #expect(again.digest == document.digest)
      #expect(again.tuning == document.tuning && again.recovery == document.recovery)
      #expect(again.generation == document.generation)
      #expect(again.selection == document.selection && again.exchange == document.exchange)
      #expect(again.allocation == document.allocation && again.calibration == document.calibration)
    }
  }
}
