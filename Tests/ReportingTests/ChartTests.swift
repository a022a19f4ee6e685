import Artifacts
import Reporting
import TestSupport
import Testing

/// What the drawings say and where.
@Suite struct ChartTests {
  /// A page with one chart: the loss over steps from 1. Fewer than three are repeated, since they would make no chart.
  private static func page(losses: [Double], from first: Int = 1) throws -> ParsedPage {
    let losses = losses + Array(repeating: losses[0], count: max(0, 3 - losses.count))
    return try page(all: losses, from: first)
  }

  private static func page(all losses: [Double], from first: Int = 1) throws -> ParsedPage {
    var report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: ""),
      resources: .init(ranks: 1, hosts: ["a"], threads: 1, backend: "cpu"))
    report.training = [
      .init(
        stage: "recover", steps: 1, tokens: 1, seconds: 1, codec: "none", sentBytes: 0, uncompressedBytes: 0, rounds: []
      )
    ]
    let steps = losses.enumerated().map { index, loss in
      TrainingStep(
        stage: "recover", step: first + index, round: 0, loss: loss, gradientNorm: 0, learningRate: 0, tokens: 0,
        sentBytes: 0, uncompressedBytes: 0, seconds: 0)
    }
    return try ParsedPage(HTMLReport(report: report, steps: steps, resolvedYAML: "").html())
  }

  @Test(
    arguments: [
      ([3.0, 4.4], ["3.0", "3.5", "4.0", "4.5"]), ([-0.02, 0.01], ["−0.02", "−0.01", "0.00", "0.01"]),
      ([1.5e6, 3e6], ["1.5e6", "2.0e6", "2.5e6", "3.0e6"]), ([7], ["6.0", "6.5", "7.0", "7.5", "8.0"]),
      ([0], ["−1.0", "−0.5", "0.0", "0.5", "1.0"]), ([900, 2_100], ["500", "1,000", "1,500", "2,000", "2,500"]),
      ([0, 8e-6], ["0", "2e−6", "4e−6", "6e−6", "8e−6"]),
      // Numbers that Double barely tells apart are one number.
      ([1, 1 + 1e-15], ["0.90", "0.95", "1.00", "1.05", "1.10"]),
    ] as [([Double], [String])])
  func ticksAreRoundNumbers(losses: [Double], labels: [String]) throws {
    let texts = try Self.page(losses: losses).texts("text")
    #expect(Array(texts.prefix(labels.count)) == labels)
    #expect(texts.suffix(2) == ["nats per token", "step"])
  }

  @Test(arguments: [
    (1, 120, ["20", "40", "60", "80", "100", "120"]), (1, 3, ["1", "2", "3"]), (5, 3, ["5", "6", "7"]),
    (0, 9_001, ["0", "2,000", "4,000", "6,000", "8,000"]),
  ])
  func stepsAreWholeNumbers(first: Int, count: Int, labels: [String]) throws {
    let texts = try Self.page(losses: (0..<count).map { Double($0 % 7) }, from: first).texts("text")
    #expect(texts.dropLast(2).suffix(labels.count) == labels[...])
  }

  /// Only what can be drawn is, and the rest is counted.
  @Test func numbersThatCannotBeDrawnAreTold() throws {
    let page = try Self.page(losses: [1, .nan, 2, .infinity, 3])
    #expect(page.elements("circle").count == 3)
    #expect(page.texts("p").contains("2 points are not drawn: infinite or not a number."))
    #expect(try Self.page(losses: [.nan, .infinity]).elements("svg").isEmpty)
  }

  /// Two points are two numbers: no chart makes more of them.
  @Test func fewPointsAreNumbers() throws {
    let two = try Self.page(all: [3.5, 2.25], from: 5)
    #expect(two.elements("svg").isEmpty && two.texts("caption").contains("Measured"))
    #expect(two.texts("td").contains("3.5000 at step 5, 2.2500 at step 6"))
    #expect(try Self.page(all: [3.5, 2.25, 2]).texts("figcaption") == ["Loss"])
    // What was measured after two steps of the method stands in the table; three are bars.
    var report = SampleRun.report
    report.perplexities = [.init(name: "one-shot", value: 171.93), .init(name: "gates", value: 54.87)]
    let page = try ParsedPage(HTMLReport(report: report, steps: [], resolvedYAML: "").html())
    #expect(!page.texts("figcaption").contains("Perplexity after each step"))
    #expect(page.texts("th").contains("perplexity, one-shot") && !page.texts("th").contains("perplexity, gates"))
  }

  /// Bars of ranks say which color is which.
  @Test func ranksHaveALegend() throws {
    func legend(ranks: Int) throws -> [String] {
      var report = SampleRun.report
      report.phases = report.phases.map { .init(name: $0.name, seconds: Array(repeating: 2, count: ranks)) }
      let page = try ParsedPage(HTMLReport(report: report, steps: [], resolvedYAML: "").html())
      return page.elements("text").filter { $0.attributes["class"] == "legend" }.map(\.text)
    }
    #expect(try legend(ranks: 1) == [])
    #expect(try legend(ranks: 2) == ["rank 0", "rank 1"])
    #expect(try legend(ranks: 3) == ["ranks 0, 2, …", "ranks 1, 3, …"])
  }

  /// Markers while they can be told apart, and the curve's numbers for who points at them.
  @Test func fewPointsHaveMarkers() throws {
    let few = try Self.page(losses: Array(repeating: 1.5, count: 40))
    #expect(few.elements("circle").count == 40)
    #expect(few.texts("title").contains("loss, step 40: 1.5000"))
    #expect(try Self.page(losses: Array(repeating: 1.5, count: 41)).elements("circle").isEmpty)
  }

  /// A curve is cut to 400 points; the first, the last and both ends of every spike stay.
  @Test(arguments: [400, 401, 402, 1_000, 54_321]) func longCurvesKeepTheirShape(count: Int) throws {
    var losses = (0..<count).map { 2 + 1 / Double($0 + 1) }
    losses[count / 2] = 50
    losses[count / 3] = -50
    let page = try Self.page(losses: losses)
    let curve = try #require(page.attributes("d").first { $0.contains("L") })
    let points = curve.split { "ML".contains($0) }
    #expect(points.count <= 400 && points.count > 200 && (count > 400 || points.count == count))
    let x = points.compactMap { $0.split(separator: " ").first.flatMap { Double($0) } }
    #expect(x == x.sorted() && x.count == points.count)
    #expect(x.last == 448)
    #expect(
      page.texts("desc") == [
        "loss: 3.0000 at step 1, \(count > 20_000 ? "2.0000" : Self.last(count)) at step \(Self.grouped(count)), "
          + "lowest -50.00, highest 50.00."
      ])
  }

  private static func last(_ count: Int) -> String {
    let digits = String(Int((20_000 + 10_000 / Double(count)).rounded()))
    return "2." + digits.dropFirst()
  }

  private static func grouped(_ count: Int) -> String {
    count < 1_000 ? "\(count)" : "\(count / 1_000),\(String(count % 1_000 + 1_000).dropFirst())"
  }

  @Test func mapsTellEveryLayer() throws {
    var report = SampleRun.report
    report.layers = [
      .init(attention: .init(kept: 1, total: 3), mlp: .init(kept: 1536, total: 1536)),
      .init(attention: .init(kept: 0, total: 0), mlp: .init(kept: 8, total: 1536)),
    ]
    let page = try ParsedPage(HTMLReport(report: report, steps: [], resolvedYAML: "").html())
    for title in [
      "layer 0, attention: 1 of 3 kept (33.3 %)", "layer 0, MLP: 1,536 of 1,536 kept (100.0 %)",
      "layer 1, attention: 0 of 0 kept", "layer 1, MLP: 8 of 1,536 kept (0.5 %)",
    ] { #expect(page.texts("title").contains(title), "\(title)") }
    #expect(
      page.texts("desc").contains(
        "attention, percent kept by layer: 33, –. MLP, percent kept by layer: 100, 1."))
    let steps = page.elements("g").compactMap { $0.attributes["class"] }.filter { $0.hasPrefix("k") }
    #expect(Array(steps.prefix(4)) == ["k3", "k0", "k10", "k0"])
  }

  /// Nothing is drawn outside its picture, whatever the numbers.
  @Test(arguments: ["sample", "large", "hostile"]) func everythingLiesInItsPicture(name: String) throws {
    let run =
      switch name {
      case "large": (SampleRun.large, SampleRun.manySteps)
      case "hostile": (SampleRun.hostile, SampleRun.hostileSteps)
      default: (SampleRun.report, SampleRun.steps)
      }
    let page = try ParsedPage(HTMLReport(report: run.0, steps: run.1, resolvedYAML: "").html())
    var (width, height, count) = (0.0, 0.0, 0)
    for element in page.elements {
      if let box = element.attributes["viewBox"] {
        let sides = box.split(separator: " ").compactMap { Double($0) }
        (width, height) = (sides[2], sides[3])
      }
      for (keys, extent, limit) in [(["x", "cx"], "width", width), (["y", "cy"], "height", height)] {
        for text in keys.compactMap({ element.attributes[$0] }) {
          let start = try #require(Double(text))
          let size = element.name == "rect" ? element.attributes[extent].flatMap { Double($0) } ?? -1 : 0
          #expect(start >= 0 && size >= 0 && start + size <= limit, "\(element)")
          count += 1
        }
      }
    }
    #expect(count > 100)
  }
}
