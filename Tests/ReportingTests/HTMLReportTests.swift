import Artifacts
import Foundation
import Reporting
import TestSupport
import Testing

@Suite struct HTMLReportTests {
  @Test func wholeRunHasEverything() throws {
    let html = try HTMLReport(report: SampleRun.report, steps: SampleRun.steps, resolvedYAML: SampleRun.yaml ?? "")
      .html()
    let page = try ParsedPage(html)
    #expect(page.texts("h1") == ["smollm2-135m"])
    #expect(
      page.texts("h2") == [
        "Warnings", "Before and after", "Kept by layer", "Calibration text", "Gate tuning", "Recovery",
        "Gradients exchanged", "Time", "Machines", "Run document",
      ])
    #expect(
      page.texts("figcaption") == [
        "Perplexity after each step", "Loss", "Sparsity", "Validation perplexity", "Open shares", "Loss",
        "Validation perplexity", "Bytes", "Phases",
      ])
    // Three bands of 10 layers and the legend of colors; every picture says what it is.
    let pictures = page.elements("svg")
    #expect(pictures.count == 9 + 3 + 1)
    for picture in pictures {
      #expect(picture.attributes["role"] == "img")
      #expect(picture.attributes["aria-label"]?.isEmpty == false && picture.attributes["viewBox"] != nil)
    }
    #expect(page.texts("desc").allSatisfy { !$0.isEmpty } && page.texts("desc").count == pictures.count)
    #expect(page.texts("pre") == [SampleRun.yaml])
    for text in ["40.01 %", "−31.6 %", "54.87", "×2.56", "134,515,008 → 92,037,312", "31.1 MB", "1.15", "4.61"] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(html.contains("layer 29, MLP: "))
    // Nothing is fetched and nothing runs: the only addresses are names of XML.
    #expect(!html.contains("<script") && !html.contains("url(") && !html.contains("@import") && !html.contains("href"))
    #expect(html.ranges(of: "http").count == html.ranges(of: "xmlns=\"http://www.w3.org/").count)
  }

  @Test func theSameRunGivesTheSameBytes() throws {
    func page() throws -> String {
      try HTMLReport(report: SampleRun.report, steps: SampleRun.steps.shuffled(), resolvedYAML: "model: m\n").html()
    }
    #expect(try page() == page())
  }

  @Test func whatIsNotThereIsLeftOut() throws {
    let report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: "h"),
      resources: .init(ranks: 1, hosts: ["a"], threads: 1, backend: "cpu"))
    let page = try ParsedPage(HTMLReport(report: report, steps: SampleRun.steps, resolvedYAML: "").html())
    #expect(page.texts("h2") == ["Machines"])
    #expect(page.elements("svg").isEmpty && page.elements("pre").isEmpty)
    #expect(page.texts("dd") == ["m", "1 rank, 1 host, Espalier 0.1.0"])
    #expect(page.elements("table").count == 1)
  }

  @Test func hostileNamesAndNumbersAreHarmless() throws {
    let report = SampleRun.hostile
    let html = try HTMLReport(report: report, steps: SampleRun.hostileSteps, resolvedYAML: report.model.path).html()
    #expect(!html.contains("<script") && !html.contains("\u{1B}") && !html.contains("\u{0}"))
    #expect(html.contains("&lt;script&gt;"))
    let page = try ParsedPage(html)
    #expect(page.texts("title").first?.contains("[2J") == true)
    // A template in a name is text, not a template.
    #expect(page.texts("pre").first?.contains("{{title}}{{{style}}}") == true)
    for name in ["x", "y", "width", "height", "d", "cx", "cy", "viewBox"] {
      for value in page.attributes(name) {
        #expect(!value.contains("nan") && !value.contains("inf") && !value.contains("e+"), "\(name)=\(value)")
      }
    }
  }

  /// Of steps that were done again after a stop, the last stand; those of stages that the report does not know are none.
  @Test func repeatedStepsAreDrawnOnce() throws {
    var report = SampleRun.report
    report.training = report.training?.filter { $0.stage == "recover" }
    let again = SampleRun.steps.map { step in
      var step = step
      step.loss += 100
      return step
    }
    func page(_ steps: [TrainingStep]) throws -> String {
      try HTMLReport(report: report, steps: steps, resolvedYAML: "").html()
    }
    let recovery = SampleRun.steps.filter { $0.stage == "recover" }
    #expect(try page(again + SampleRun.steps) == page(recovery))
    #expect(try page(again) != page(recovery))
  }

  /// A curve has at most 400 points, a map as many bands as it needs.
  @Test func hugeRunsStaySmall() throws {
    let report = SampleRun.large
    let html = try HTMLReport(report: report, steps: SampleRun.manySteps, resolvedYAML: "").html()
    #expect(html.utf8.count < 400_000)
    let page = try ParsedPage(html)
    let curves = page.attributes("d").map { $0.count { $0 == "L" } + 1 }
    #expect(curves.max() == 400)
    // The one spike is still there.
    #expect(page.texts("desc").contains { $0.contains("highest 77.00") })
    let bands = page.elements("svg").filter { $0.attributes["class"] == "chart heat" }
    #expect(bands.count == 13)
    #expect(bands.last?.attributes["aria-label"] == "Kept share, layers 116 to 125")
    #expect(page.elements("rect").count { $0.attributes["class"] == "s1" } == report.phases.count + 4 + 4)
    #expect(page.elements("path").count { $0.attributes["class"] == "span" } == report.phases.count)
  }
}
