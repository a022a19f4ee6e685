import Artifacts
import Testing

/// Reports of verbs that worked one after the other in one run folder.
@Suite struct ReportHistoryTests {
  private static func left(by verb: String, _ artifacts: RunReport.Artifacts, made: [String]) -> RunReport {
    var report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: "model"),
      resources: .init(ranks: 1, hosts: ["a"], threads: 1, backend: "cpu"))
    var command = RunReport.Command(verb: verb, began: "2026-11-28T09:05:07Z")
    command.made = made
    command.settings = ["model", "scoring.seed", "allocation.sparsity"].map { .init(key: $0, value: "1") }
    report.commands = [command]
    report.artifacts = artifacts
    report.parameters = .init(before: 100)
    report.bytes = .init(before: 200)
    return report
  }

  /// Scores `s`, plan `p`, gates `g`, output `o`, with everything that is told of them.
  private static let whole: RunReport = {
    var report = left(
      by: "prune", .init(scores: "s", plan: "p", gates: "g", output: "o"), made: ["scores", "plan", "gates", "output"])
    report.artifacts?.metrics = "m"
    report.scoring = .init(.init(criterion: "ntk", objective: "", accumulation: "", modelHash: "", dataHash: ""))
    report.sparsity = .init(requested: 0.2, achieved: 0.2)
    report.planned = .init(parameters: 80, bytes: 160)
    report.layers = [.init(attention: .init(kept: 1, total: 2), mlp: .init(kept: 8, total: 16))]
    report.output = "out"
    report.parameters?.after = 80
    report.bytes?.after = 160
    report.training = ["tune", "recover"].map {
      .init(
        stage: $0, steps: 1, tokens: 1, seconds: 1, codec: "none", sentBytes: 0, uncompressedBytes: 0, rounds: [])
    }
    report.perplexity = .init(before: 10, after: 12, text: "t", window: 8, windows: 1, tokens: 7)
    report.perplexity?.of = .init(output: "o")
    report.perplexities = [.init(name: "dense", value: 10), .init(name: "gates", value: 12)]
    return report
  }()

  @Test func whatIsTheSameStays() throws {
    // A verb that touched none of it, one that made the same again, and a reader of the plan.
    for artifacts in [RunReport.Artifacts(), .init(scores: "s"), .init(scores: "s", plan: "p")] {
      let report = Self.left(by: "verb", artifacts, made: []).continuing(Self.whole)
      #expect(report.artifacts == Self.whole.artifacts && report.training == Self.whole.training)
      #expect(report.perplexity == Self.whole.perplexity && report.perplexities == Self.whole.perplexities)
      #expect(report.sparsity == Self.whole.sparsity && report.output == "out" && report.parameters?.after == 80)
      #expect(report.commands?.map(\.verb) == ["prune", "verb"])
      #expect(try RunReport(json: report.json()) == report)
    }
  }

  @Test func whatComesAfterAChangeGoes() {
    let scored = Self.left(by: "score", .init(scores: "other"), made: ["scores"]).continuing(Self.whole)
    #expect(scored.artifacts == .init(scores: "other") && scored.commands?.map(\.verb) == ["score"])
    #expect(scored.sparsity == nil && scored.layers.isEmpty && scored.planned == nil && scored.training == nil)
    #expect(scored.output == nil && scored.parameters?.after == nil && scored.bytes?.after == nil)
    // The dense model is what it was.
    #expect(scored.perplexity?.before == 10 && scored.perplexity?.after == nil && scored.perplexity?.of == nil)
    #expect(scored.perplexities?.map(\.name) == ["dense"])

    var tuned = Self.left(by: "tune", .init(scores: "s", plan: "q", gates: "h"), made: ["plan", "gates"])
    tuned.sparsity = .init(requested: 0.4, achieved: 0.4)
    tuned.perplexity = .init(before: nil, after: 14, text: "t", window: 8, windows: 1, tokens: 7)
    tuned.perplexity?.of = .init(plan: "q", gates: "h")
    tuned.perplexities = [.init(name: "gates", value: 14)]
    tuned = tuned.continuing(Self.whole)
    #expect(tuned.scoring == Self.whole.scoring && tuned.output == nil && tuned.sparsity?.requested == 0.4)
    #expect(tuned.perplexity?.before == 10 && tuned.perplexities?.map(\.name) == ["dense", "gates"])
    #expect(tuned.commands?.map(\.made) == [["scores"], ["plan", "gates"]])
    // A key that was for the earlier plan alone is not told of.
    #expect(tuned.commands?[0].settings.map(\.key) == ["model", "scoring.seed"])

    // With its gates the output is what was measured, without them it is not.
    let with = Self.left(by: "repack", .init(plan: "q", gates: "h", output: "x"), made: ["output"]).continuing(tuned)
    #expect(with.perplexity?.after == 14 && with.verdict == .fair && with.scoring == Self.whole.scoring)
    let without = Self.left(by: "repack", .init(plan: "q", output: "y"), made: ["output"]).continuing(tuned)
    #expect(without.perplexity?.after == nil && without.perplexity?.before == 10 && without.artifacts?.gates == nil)
    // Of another plan's scores nothing is known.
    let other = Self.left(by: "repack", .init(plan: "z", output: "y"), made: ["output"]).continuing(tuned)
    #expect(other.scoring == nil && other.artifacts == .init(plan: "z", output: "y"))
  }

  @Test func nothingOfAnotherModelOrTextStays() {
    var other = Self.left(by: "score", .init(scores: "s"), made: ["scores"])
    other.model.hash = "another"
    #expect(other.continuing(Self.whole) == other)

    var measured = Self.left(by: "evaluate", .init(plan: "p"), made: [])
    measured.perplexity = .init(before: nil, after: 3, text: "another", window: 8, windows: 1, tokens: 7)
    #expect(measured.continuing(Self.whole).perplexity?.before == nil)
    #expect(measured.continuing(Self.whole).perplexities == nil)
  }

  /// Reports of older versions name no artifacts: of what a verb replaces nothing is believed.
  @Test func olderReports() {
    var older = Self.whole
    (older.artifacts, older.commands) = (nil, nil)
    older.perplexity?.of = nil
    #expect(Self.left(by: "generate", .init(), made: []).continuing(older).sparsity == older.sparsity)
    let allocated = Self.left(by: "allocate", .init(scores: "s", plan: "p"), made: ["plan"]).continuing(older)
    #expect(allocated.sparsity == nil && allocated.output == nil && allocated.perplexity?.after == nil)
    #expect(allocated.perplexity?.before == 10)
  }

  @Test func whatIsStaleIsRetired() {
    let plan = Self.whole.retiring([.plan])
    #expect(plan.sparsity == nil && plan.layers.isEmpty && plan.planned == nil && plan.artifacts?.plan == nil)
    // The output is still the one that was measured.
    #expect(plan.output == "out" && plan.perplexity == Self.whole.perplexity)
    #expect(plan.commands?.map(\.made) == [["scores", "gates", "output"]])
    let output = Self.whole.retiring([.output])
    #expect(output.perplexity?.after == nil && output.parameters?.after == nil && output.sparsity != nil)
    #expect(output.training?.map(\.stage) == ["tune"])
    #expect(Self.whole.retiring([]) == Self.whole)
  }
}
