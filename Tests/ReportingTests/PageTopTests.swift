import Artifacts
import Reporting
import TestSupport
import Testing

/// What a person sees first: what was asked and when, how good it is, and what to do next.
@Suite struct PageTopTests {
  private static func page(_ report: RunReport, yaml: String = "", notes: [String] = []) throws -> ParsedPage {
    try ParsedPage(
      HTMLReport(report: report, steps: [], resolvedYAML: yaml, runFolder: "my runs/out.run", notes: notes).html())
  }

  /// A report of `prune`, then `tune`.
  private static let told: RunReport = {
    var report = SampleRun.report
    var prune = RunReport.Command(verb: "prune", began: "2026-11-28T09:05:07+01:00")
    (prune.ended, prune.made, prune.warnings) = ("2026-11-28T09:45:01+01:00", ["scores"], ["few tokens"])
    prune.settings = [.init(key: "model", value: "m"), .init(key: "calibration.seed", value: "3")]
    var tune = RunReport.Command(verb: "tune", began: "2026-11-28T23:59:59Z")
    (tune.ended, tune.made) = ("2026-11-29T00:10:00Z", ["plan", "gates", "document"])
    tune.settings = [.init(key: "allocation.sparsity", value: "0.4")]
    report.commands = [prune, tune]
    report.scoring = .init(
      .init(criterion: "ntk", objective: "max-logit", accumulation: "signed", modelHash: "", dataHash: ""),
      calibration: .init(text: ["a.txt", "b.jsonl"], seed: 3, sequences: 128, length: 64))
    report.allocation = .init(
      .init(
        method: "global", gamma: 3,
        roundTo: 8, scores: .init(criterion: "ntk", objective: "", accumulation: "", modelHash: "", dataHash: "")))
    return report
  }()

  @Test func saysWhatWasAskedAndWhen() throws {
    let page = try Self.page(Self.told)
    let facts = page.texts("dd")
    for fact in [
      ".models/smollm2-135m", "smollm2-pruned",
      "remove 40.00 % of the prunable parameters (global, γ 3.00, by ntk on max-logit, signed)",
      "a.txt, b.jsonl, 128 sequences × 64 tokens, seed 3",
      "prune, 2026-11-28 09:05:07 UTC+01:00 to 09:45:01 (scores); tune, 2026-11-28 23:59:59 UTC to 2026-11-29 "
        + "00:10:00 UTC (plan, gates)",
    ] { #expect(facts.contains(fact), "\(fact): \(facts)") }
    // An older report knows neither.
    #expect(try Self.page(SampleRun.report).texts("dt").prefix(3) == ["model", "written to", "asked"])
  }

  /// What an earlier verb warned of stands, each warning once, and behind what is to be known of the files.
  @Test func warningsOfAllVerbs() throws {
    let page = try Self.page(Self.told, notes: ["plan.json is another"])
    #expect(page.texts("li") == ["plan.json is another", "few tokens"] + Self.told.warnings)
  }

  /// A verdict in a word and a color, and none where there is nothing to judge by.
  @Test(
    arguments: [
      (10, 9, "good"), (10, 11, "good"), (10, 11.1, "fair"), (10, 15, "fair"), (10, 33.4, "poor"), (10, .nan, "broken"),
      (10, .infinity, "broken"), (.nan, 10, nil), (nil, 10, nil), (10, nil, nil),
    ] as [(Double?, Double?, String?)])
  func verdict(before: Double?, after: Double?, word: String?) throws {
    var report = Self.told
    report.perplexity?.before = before
    report.perplexity?.after = after
    #expect(report.verdict?.rawValue == word)
    let page = try Self.page(report)
    let classes = page.elements("div").compactMap { $0.attributes["class"] }
    let words = page.elements("strong").filter { $0.attributes["class"] == "verdict" }.map(\.text)
    #expect(words == (word.map { [$0] } ?? []))
    #expect(word.map { classes.contains($0) } ?? classes.allSatisfy { RunReport.Verdict(rawValue: $0) == nil })
    // Of a model that was cut before, the dense one is not known.
    report.model.isPruned = true
    #expect(report.verdict == (word == "broken" ? .broken : nil))
  }

  /// Sizes are known as soon as there is a plan.
  @Test func sizesOfAPlan() throws {
    var report = Self.told
    report.output = nil
    report.parameters?.after = nil
    report.bytes?.after = nil
    report.planned = .init(parameters: 92_037_312, bytes: 184_105_288)
    let page = try Self.page(report)
    #expect(page.texts("dt").contains("Parameters, planned") && page.texts("dt").contains("Size, planned"))
    #expect(page.texts("th").contains("parameters, planned"))
    #expect(page.texts("dd").contains("134,515,008 → 92,037,312"))
  }

  /// The commands that lead on from where a run is, with its own folders, as a shell takes them.
  @Test func whatNext() throws {
    var report = Self.told
    func commands() throws -> [String] { try Self.page(report).texts("pre") }
    // Poor, tuned and recovered: it can be loaded.
    #expect(try commands().count == 1 && commands()[0].contains("from_pretrained(\"smollm2-pruned\""))
    report.training = nil
    report.artifacts = .init(scores: "a", plan: "b", output: "c")
    #expect(
      try commands().map { $0.prefix(16) } == ["espalier tune 'm", "espalier recover", "from transformer"])
    #expect(try commands()[0] == "espalier tune 'my runs/out.run/run.yaml' --set tuning.steps=200")
    report.perplexity?.after = .nan
    #expect(
      try commands()[0].hasSuffix("--sparsity 0.1 --overwrite") && !commands().contains { $0.contains("from_pre") })
    report.perplexity = nil
    report.output = nil
    report.artifacts?.gates = "d"
    #expect(
      try commands() == [
        "espalier evaluate 'my runs/out.run/run.yaml' --plan 'my runs/out.run/plan.json' --evaluation-text TEXT",
        "espalier repack 'my runs/out.run/run.yaml' --gates 'my runs/out.run/gates.safetensors' --overwrite",
      ])
    (report.sparsity, report.layers) = (nil, [])
    #expect(try commands() == ["espalier allocate 'my runs/out.run/run.yaml' --sparsity 0.3"])
  }

  /// What differs from the defaults stands in the open; everything is folded, and belongs to the verb that left it.
  @Test func theRunDocumentIsFolded() throws {
    let page = try Self.page(Self.told, yaml: "model: m\n")
    #expect(page.texts("caption").contains("Keys that were set"))
    for cell in ["calibration.seed", "3", "allocation.sparsity", "0.4"] { #expect(page.texts("td").contains(cell)) }
    #expect(page.texts("summary") == ["run.yaml of tune, with every key at the value that was used"])
    #expect(page.elements("details").count == 1 && page.texts("pre").last == "model: m\n")
  }
}
