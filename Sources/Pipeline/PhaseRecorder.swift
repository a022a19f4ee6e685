internal import Artifacts
internal import Communication
internal import Glibc

/// How long each phase took on this rank, and what it got done: the report's table compares ranks.
final class PhaseRecorder {
  private let session: Session
  private var phases: [(name: String, seconds: Double, amount: Double, unit: String)] = []
  /// Bytes that this rank's weights and gradients moved between ranks.
  var trafficBytes = 0

  init(_ session: Session) { self.session = session }

  /// Runs a phase, tells of its progress and records its time. `amount` of `unit` is what all ranks together get done.
  func run<Value>(_ name: String, amount: Double = 0, unit: String = "", _ body: () throws -> Value) throws -> Value {
    session.console.begin(name, amount: amount, unit: unit)
    let start = ContinuousClock.now
    let value = try body()
    phases.append((name, start.duration(to: .now).seconds, amount, unit))
    session.console.end()
    return value
  }

  /// All phases with the times of all ranks. Collective.
  func gathered() throws -> [RunReport.Phase] {
    try phases.map { phase in
      let seconds = try session.communicator.gather(phase.seconds)
      let longest = seconds.max() ?? 0
      let rate =
        phase.amount > 0 && longest > 0 ? RunReport.Rate(value: phase.amount / longest, unit: phase.unit + "/s") : nil
      return RunReport.Phase(name: phase.name, seconds: seconds, rate: rate)
    }
  }

  /// Every rank's peak resident memory in bytes. Collective.
  func gatheredPeakBytes() throws -> [Int] {
    try session.communicator.gather(Double(Self.peakResidentBytes)).map { Int($0) }
  }

  /// This process's peak resident memory, with the pages of mapped files that were in memory then.
  static var peakResidentBytes: Int {
    var usage = rusage()
    return unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 ? usage.ru_maxrss * 1024 : 0
  }
}

extension Communicator {
  /// One number of every rank, in rank order, on every rank.
  func gather(_ value: Double) throws -> [Double] {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt64($0))) }
    return try gather(bytes).map { bytes in
      Double(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
  }
}
