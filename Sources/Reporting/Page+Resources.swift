internal import Artifacts

/// What the run took: time over ranks, machines, memory, traffic.
extension Page {
  /// The most ranks whose bars are drawn one by one.
  private static let mostBars = 8

  static func time(_ report: RunReport) -> Section {
    guard !report.phases.isEmpty else { return Section(title: "Time") }
    let areDrawn = report.phases.allSatisfy { $0.seconds.map { 1...mostBars ~= $0.count } ?? false }
    let isOfRanks = areDrawn && report.phases.contains { $0.seconds?.count ?? 0 > 1 }
    let bars = report.phases.map { phase -> BarChart.Row in
      let text = Number.time(phase.secondsMax)
      if areDrawn, let seconds = phase.seconds {
        return BarChart.Row(
          label: phase.name,
          bars: seconds.enumerated().map { ($1, "\(phase.name), rank \($0): \(Number.time($1))") }, text: text)
      }
      guard let low = phase.secondsMin, let median = phase.secondsMedian else {
        return BarChart.Row(
          label: phase.name, bars: [(phase.secondsMax, "\(phase.name), slowest rank: \(text)")], text: text)
      }
      return BarChart.Row(
        label: phase.name, bars: [(median, "\(phase.name), median rank: \(Number.time(median))")],
        span: (low, phase.secondsMax), text: text)
    }
    let hasChart = bars.count >= BarChart.leastRows
    var intro = [String]()
    if let commands = report.commands, commands.count > 1, let last = commands.last {
      intro.append("Of \(last.verb), the last run.")
    }
    if hasChart, isOfRanks {
      intro.append("A bar for each rank, rank 0 first; the number is the slowest rank's.")
    } else if hasChart, bars.contains(where: { $0.span != nil }) {
      intro.append(
        "Bars to the median rank, lines from the fastest to the slowest; the number is the slowest rank's.")
    }
    let hasMemory = report.phases.contains { $0.peakBytes != nil }
    let rows = report.phases.map { phase -> [String] in
      let memory = phase.peakBytes.map { Number.bytes(max(0, $0)) } ?? ""
      let cells = [
        phase.name, phase.secondsMin.map { Number.seconds($0) } ?? "–",
        phase.secondsMedian.map { Number.seconds($0) } ?? "–", Number.seconds(phase.secondsMax),
        phase.rate.map { "\(TableNumber.rate($0.value)) \($0.unit)" } ?? "",
      ]
      return hasMemory ? cells + [memory] : cells
    }
    let total = report.phases.reduce(0) { $0 + $1.secondsMax }
    let columns = ["phase", "#fastest", "#median", "#slowest", "#rate"]
    let last = ["total", "", "", Number.seconds(total), ""]
    return Section(
      title: "Time",
      intro: intro.isEmpty ? nil : intro.joined(separator: " "),
      barCharts: [BarChart(title: "Phases", xTitle: "seconds", rows: bars, isOfRanks: isOfRanks)].compactMap { $0 },
      tables: [
        Table(
          "Seconds over ranks", columns: hasMemory ? columns + ["#memory"] : columns,
          rows: rows + [hasMemory ? last + [""] : last])
      ])
  }

  static func machines(_ report: RunReport) -> Section {
    let resources = report.resources
    var rows = [
      ["ranks", "\(TableNumber.grouped(resources.ranks)), \(TableNumber.counted(resources.threads, "thread")) each"],
      ["hosts", hosts(resources.hosts)],
      ["backend", resources.backend],
    ]
    if let memory = memory(report.peakBytes) { rows.append(["peak memory", memory]) }
    if report.trafficBytes > 0 { rows.append(["traffic", Number.bytes(report.trafficBytes)]) }
    rows.append(["model hash", report.model.hash])
    if let digest = report.runDigest { rows.append(["run digest", digest]) }
    return Section(title: "Machines", tables: [Table("Resources", columns: ["", ""], rows: rows)])
  }

  private static func hosts(_ hosts: [String]) -> String {
    let most = 8
    return hosts.prefix(most).joined(separator: ", ") + (hosts.count > most ? " and \(hosts.count - most) more" : "")
  }

  /// The range over ranks.
  private static func memory(_ bytes: [Int]) -> String? {
    guard let low = bytes.min(), let high = bytes.max() else { return nil }
    return bytes.count == 1
      ? Number.bytes(high) : "\(Number.bytes(low)) to \(Number.bytes(high)) over \(bytes.count) ranks"
  }
}
