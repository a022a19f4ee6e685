import Artifacts
import Testing

/// A report with something of everything.
func sampleReport() -> RunReport {
  var report = RunReport(
    espalierVersion: "0.1.0", model: .init(path: "models/SmolLM2-135M", hash: "ab12"),
    resources: .init(ranks: 2, hosts: ["node1"], threads: 1, backend: "cpu"))
  report.output = "SmolLM2-135M-pruned"
  report.sparsity = .init(requested: 0.3, achieved: 0.30012)
  report.parameters = .init(before: 134_515_008, after: 98_412_345)
  report.bytes = .init(before: 269_060_552, after: 196_800_000)
  report.perplexity = .init(
    before: 23.4812, after: 62.4711, text: "wikitext-2.txt", window: 1024, windows: 24, tokens: 24552)
  report.phases = [
    .init(name: "load", seconds: [0.4, 0.3]),
    .init(name: "score", seconds: [20.1, 19.5], rate: .init(value: 203.4, unit: "tokens/s")),
    .init(name: "evaluate", seconds: [75.1, 74.1], rate: .init(value: 1234.9, unit: "tokens/s")),
  ]
  report.peakBytes = [612_000_000, 598_400_000]
  report.trafficBytes = 1_076_000_000
  report.layers = [.init(attention: .init(kept: 2, total: 3), mlp: .init(kept: 1024, total: 1536))]
  report.warnings = ["3,000 tokens of calibration text were found, so that 23 sequences of 128 were used, not 32"]
  return report
}

@Suite struct RunReportTests {
  @Test func jsonIsExactlyThis() throws {
    let bytes = try sampleReport().json()
    #expect(try String(validating: bytes, as: UTF8.self) == fixture("run-report.json"))
    #expect(try RunReport(json: bytes) == sampleReport())
  }

  @Test func numbersThatJSONLacksSurvive() throws {
    var report = sampleReport()
    report.perplexity?.after = .infinity
    report.phases[0].secondsMax = -.infinity
    #expect(try RunReport(json: report.json()) == report)
  }

  /// Reports of older versions say nothing of a phase's memory.
  @Test func memoryOfPhases() throws {
    var report = sampleReport()
    #expect(report.phases.allSatisfy { $0.peakBytes == nil })
    #expect(!String(decoding: try report.json(), as: UTF8.self).contains("\"peak_bytes\" : 5000"))
    report.phases[0].peakBytes = 5000
    #expect(try RunReport(json: report.json()).phases[0].peakBytes == 5000)
    #expect(String(decoding: try report.json(), as: UTF8.self).contains("5000"))
  }

  @Test func phasesSummarizeTheirRanks() {
    let phase = RunReport.Phase(name: "score", seconds: [1, 2, 6])
    #expect(phase.secondsMax == 6 && phase.secondsMean == 3)
    let none = RunReport.Phase(name: "score", seconds: [])
    #expect(none.secondsMax == 0 && none.secondsMean == 0)
    #expect(phase.secondsMin == 1 && phase.secondsMedian == 2 && phase.seconds == [1, 2, 6])
    #expect(none.secondsMin == nil && none.secondsMedian == nil && none.seconds == nil)
    // Of many ranks only the summary is kept.
    let many = RunReport.Phase(name: "score", seconds: (1...32).reversed().map(Double.init))
    #expect(many.secondsMin == 1 && many.secondsMedian == 16.5 && many.secondsMax == 32 && many.seconds == nil)
  }

  @Test(arguments: [
    ("", "r.json: not JSON, cut off, or a number out of range"),
    ("{\"model\": ", "r.json: not JSON, cut off, or a number out of range"),
    ("{}", "r.json: format_version: missing"), ("[]", "r.json: top level: wrong type of value"),
    ("{\"format_version\": \"1\"}", "r.json: format_version: wrong type of value"),
    ("{\"format_version\": 1e99}", "r.json: not JSON, cut off, or a number out of range"),
  ])
  func otherFilesAreRefused(json: String, message: String) {
    let error = #expect(throws: RunDocumentError.self) { try RunReport(json: Array(json.utf8), name: "r.json") }
    #expect(error?.message == message)
  }

  @Test func otherVersionsAreRefused() throws {
    var report = sampleReport()
    report.formatVersion = 2
    let json = try report.json()
    let error = #expect(throws: RunDocumentError.self) { try RunReport(json: json) }
    #expect(
      error?.message == "report.json: format_version: found 2, expected 1; use the Espalier that wrote it")
  }
}
