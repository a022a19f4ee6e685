internal import Artifacts
internal import Communication
internal import Glibc

/// How long each phase took on this rank, and what it got done: the report's table compares ranks.
final class PhaseRecorder {
  private let session: Session
  /// Which of several like phases goes on, such as `2/4`.
  private var turn: String?
  private var phases: [(name: String, seconds: Double, amount: Double, unit: String)] = []
  /// Bytes that this rank's weights and gradients moved between ranks.
  var trafficBytes = 0

  init(_ session: Session) { self.session = session }

  /// Runs a phase, tells of its progress and records its time. `amount` of `unit` is what all ranks together get done.
  func run<Value>(_ name: String, amount: Double = 0, unit: String = "", _ body: () throws -> Value) throws -> Value {
    session.console.begin(turn.map { "\(name) \($0)" } ?? name, amount: amount, unit: unit)
    let start = ContinuousClock.now
    let value = try body()
    let seconds = start.duration(to: .now).seconds
    if turn != nil, let index = phases.firstIndex(where: { $0.name == name }) {
      phases[index].seconds += seconds
      phases[index].amount += amount
    } else {
      phases.append((name, seconds, amount, unit))
    }
    session.console.end()
    return value
  }

  /// Runs phases that come `count` times: they are told apart as they go on, and have one row in the report.
  func turn<Value>(_ number: Int, of count: Int, _ body: () throws -> Value) rethrows -> Value {
    turn = count > 1 ? "\(number)/\(count)" : nil
    defer { turn = nil }
    return try body()
  }

  /// Seconds that this rank spent in a phase so far.
  func seconds(of name: String) -> Double { phases.filter { $0.name == name }.reduce(0) { $0 + $1.seconds } }

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
