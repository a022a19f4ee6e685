internal import Artifacts
internal import Communication
internal import Foundation

/// What the hosts are.
extension DoctorChecks {
  /// Of the ranks' median, what a rank has to reach.
  private static let leastShare = 0.8

  /// Ranks that multiply slower than the others: all wait for the slowest.
  var speed: DoctorCheck {
    let median = Self.median(facts.map(\.productRate))
    let total = TableNumber.rate(facts.reduce(0) { $0 + $1.productRate } / 1e9)
    let slow = facts.filter { $0.productRate < Self.leastShare * median }
    guard !slow.isEmpty else {
      return .ok("speed", "\(total) GFLOP/s in all; none below \(BenchmarkTable.share(Self.leastShare)) of the median")
    }
    let names = slow.prefix(4).map { rank in
      "rank \(rank.rank) on \(rank.host) (\(TableNumber.rate(rank.productRate / 1e9)) GFLOP/s, "
        + "\(BenchmarkTable.share(rank.productRate / median)))"
    }
    let more = slow.count > names.count ? " and \(slow.count - names.count) more" : ""
    return .warning(
      "speed",
      "slower than the median of \(TableNumber.rate(median / 1e9)) GFLOP/s: \(names.joined(separator: ", "))\(more)",
      "look for another job (top), a lower clock, or fewer threads there; every phase waits for the slowest rank")
  }

  /// One model of processor.
  var processors: DoctorCheck {
    guard let differences = differences({ $0.processor }) else {
      return .ok("processors", (facts.first?.processor).map { $0.isEmpty ? "of unknown model" : $0 } ?? "")
    }
    guard Set(facts.map(\.coreType)).count == 1, let type = facts.first?.coreType else {
      return .warning(
        "processors", differences,
        "OpenBLAS rounds otherwise on another model: for results that do not depend on which host computed, give all the "
          + "weakest one's kernels (mpirun -x OPENBLAS_CORETYPE=Haswell, or SkylakeX with AVX-512) and resources.compute: "
          + "f32")
    }
    return .ok("processors", "\(differences); all with OPENBLAS_CORETYPE=\(type)")
  }

  /// `OPENBLAS_CORETYPE` where it costs speed.
  var coreTypes: DoctorCheck {
    if let differences = differences({ $0.coreType ?? "none" }) {
      return .warning(
        "OpenBLAS", "OPENBLAS_CORETYPE differs: \(differences)", "set it for all ranks (mpirun -x) or for none")
    }
    let slow = facts.filter { $0.hasAVX512 && $0.backend.contains("Haswell") }
    guard let first = slow.first, Set(facts.map(\.processor)).count == 1 else {
      return .ok("OpenBLAS", differences { $0.backend } ?? (facts.first?.backend ?? ""))
    }
    return .warning(
      "OpenBLAS", "kernels for Haswell on a processor with AVX-512: \(RankList(slow.map(\.rank)))",
      first.coreType == nil
        ? "set OPENBLAS_CORETYPE=SkylakeX if products are faster with it"
        : "unset OPENBLAS_CORETYPE (it is \(first.coreType ?? ""))")
  }

  /// Memory that is left for ranks.
  var memory: DoctorCheck {
    let shares = hosts.map { host in
      (host: host.name, bytes: (host.ranks.map(\.availableBytes).min() ?? 0) / max(1, host.ranks.count))
    }
    guard let least = shares.min(by: { $0.bytes < $1.bytes }) else { return .ok("memory", "") }
    let finding = "\(ByteSize(bytes: least.bytes).rounded) available to a rank on \(least.host), the least"
    guard least.bytes >= 1_000_000_000 else {
      return .warning(
        "memory", finding, "end other programs there, or start fewer ranks; espalier estimate says what a run needs")
    }
    return .ok("memory", finding)
  }

  /// Clocks that agree.
  var clock: DoctorCheck? {
    guard hosts.count > 1, let worst = facts.max(by: { abs($0.clockOffset) < abs($1.clockOffset) }) else { return nil }
    let finding = "\(worst.host) is \(BenchmarkTable.time(abs(worst.clockOffset))) off rank 0's clock, the most"
    guard abs(worst.clockOffset) < 1 else {
      return .warning("clock", finding, "let chrony or ntpd set the clocks: times of files and logs are compared")
    }
    return .ok("clock", finding)
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
