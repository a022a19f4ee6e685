extension RunReport {
  /// The phases of an earlier run and of the one that went on, each once, in the order in which they ran first.
  public static func joined(_ earlier: [Phase], _ later: [Phase]) -> [Phase] {
    var phases = earlier
    for phase in later {
      if let index = phases.firstIndex(where: { $0.name == phase.name }) {
        phases[index] = phases[index].joined(phase)
      } else {
        phases.append(phase)
      }
    }
    return phases
  }
}

extension RunReport.Phase {
  /// The phase with what a later run of it took and got done. Ranks are told apart only where both had as many.
  fileprivate func joined(_ later: RunReport.Phase) -> RunReport.Phase {
    var joined = self
    joined.secondsMax += later.secondsMax
    joined.secondsMean += later.secondsMean
    joined.secondsMin = secondsMin.flatMap { own in later.secondsMin.map { own + $0 } }
    joined.secondsMedian = secondsMedian.flatMap { own in later.secondsMedian.map { own + $0 } }
    joined.seconds = seconds.flatMap { own in
      later.seconds.flatMap { $0.count == own.count ? zip(own, $0).map { $0 + $1 } : nil }
    }
    joined.rate = rate ?? later.rate
    if let rate, let other = later.rate, rate.unit == other.unit, joined.secondsMax > 0 {
      joined.rate?.value = (rate.value * secondsMax + other.value * later.secondsMax) / joined.secondsMax
    }
    joined.peakBytes = [peakBytes, later.peakBytes].compactMap(\.self).max()
    return joined
  }
}
