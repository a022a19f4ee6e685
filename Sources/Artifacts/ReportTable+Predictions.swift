/// What was expected beside what came.
extension ReportTable {
  /// Phases that took, or were expected to take, a tenth of a second: of shorter ones a ratio says nothing.
  func predictions() -> [Line] {
    let phases = report.phases.filter { phase in
      phase.predictedSeconds.map { max($0, phase.secondsMax) >= 0.1 } ?? false
    }
    var lines: [Line] = []
    if !phases.isEmpty { lines.append(line("expected", "seconds", "of what it took", "memory")) }
    for phase in phases {
      let predicted = phase.predictedSeconds ?? 0
      let ratio = phase.secondsMax > 0 ? TableNumber.fixed(predicted / phase.secondsMax, 2) : "–"
      let memory = phase.predictedPeakBytes.map { ByteSize(bytes: max(0, $0)).rounded } ?? ""
      lines.append(line(TextLayout.visible(phase.name), TableNumber.fixed(predicted, 1), ratio, memory))
    }
    if let traffic = report.predictedTrafficBytes {
      lines.append(line("traffic", ByteSize(bytes: max(0, traffic)).rounded, ""))
    }
    if let overlap = report.overlap {
      lines.append(line("overlap", TableNumber.fixed(overlap * 100, 1) + " %", "", "of broadcasts"))
    }
    return lines
  }
}
