import Artifacts
import Testing

/// What was expected, beside what came.
@Suite struct PredictionReportTests {
  static var report: RunReport {
    var report = sampleReport()
    report.phases[1].predictedSeconds = 18.09
    report.phases[1].predictedPeakBytes = 2_000_000_000
    report.predictedTrafficBytes = 900_000_000
    report.overlap = 0.931
    return report
  }

  @Test func table() {
    let expected = """
      expected                 seconds   of what it took   memory
      score                       18.1              0.90   2.0 GB
      traffic                 900.0 MB
      overlap                   93.1 %                     of broadcasts

      """
    #expect(ReportTable(Self.report).text.contains(expected))
    #expect(!ReportTable(sampleReport()).text.contains("expected"))
  }

  @Test func roundTrip() throws {
    let json = try Self.report.json()
    #expect(try RunReport(json: json) == Self.report)
    let text = String(decoding: json, as: UTF8.self)
    for key in ["predicted_seconds", "predicted_peak_bytes", "predicted_traffic_bytes", "overlap"] {
      #expect(text.contains("\"\(key)\""))
    }
  }
}
