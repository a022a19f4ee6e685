internal import Artifacts

/// What was expected beside what came.
extension Page {
  static func predictions(_ report: RunReport) -> Section {
    let phases = report.phases.filter { $0.predictedSeconds != nil }
    var section = Section(title: "Expected and measured")
    var rows = phases.map { phase -> [String] in
      let predicted = phase.predictedSeconds ?? 0
      return [
        phase.name, Number.seconds(predicted), Number.seconds(phase.secondsMax),
        phase.secondsMax > 0 ? TableNumber.fixed(predicted / phase.secondsMax, 2) : "–",
        phase.predictedPeakBytes.map { Number.bytes(max(0, $0)) } ?? "",
        phase.peakBytes.map { Number.bytes(max(0, $0)) } ?? "",
      ]
    }
    if let traffic = report.predictedTrafficBytes {
      rows.append([
        "traffic of all ranks", "", "", "", Number.bytes(max(0, traffic)), Number.bytes(max(0, report.trafficBytes)),
      ])
    }
    guard !rows.isEmpty else { return section }
    section.intro =
      "Expected at the start, from the speed of a product then (docs/estimate.md)."
      + (report.overlap.map { " Of the time of broadcasts \(TableNumber.percent($0)) lay under computation." } ?? "")
    section.tables = [
      Table(
        "Expected and measured",
        columns: ["phase", "#seconds expected", "#measured", "#ratio", "#bytes expected", "#measured"], rows: rows)
    ]
    return section
  }
}
