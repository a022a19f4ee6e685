internal import Artifacts
internal import Communication
internal import Compute
internal import Glibc

/// How long each phase took on this rank, what it got done and how much memory that took: the report's table compares
/// ranks.
final class PhaseRecorder {
  private let session: Session
  /// Which of several like phases goes on, such as `2/4`.
  private var turn: String?
  private var phases: [(name: String, seconds: Double, amount: Double, unit: String, peakBytes: Int)] = []
  private let backends: [any ComputeBackend]
  /// The backends' peaks in the phases that go on, the innermost last.
  private var peaks: [Int] = []
  /// Bytes that this rank's weights and gradients moved between ranks.
  var trafficBytes = 0

  /// - Parameter backends: whose memory is told of, each once.
  init(_ session: Session, backends: [any ComputeBackend]) {
    self.session = session
    self.backends = backends
  }

  /// Runs a phase, tells of its progress and records its time. `amount` of `unit` is what all ranks together get done.
  func run<Value>(_ name: String, amount: Double = 0, unit: String = "", _ body: () throws -> Value) throws -> Value {
    session.console.begin(turn.map { "\(name) \($0)" } ?? name, amount: amount, unit: unit)
    let start = ContinuousClock.now
    notePeak()
    peaks.append(0)
    let result = Result { try body() }
    notePeak()
    let peak = peaks.removeLast()
    if let enclosing = peaks.popLast() { peaks.append(max(enclosing, peak)) }
    let value = try result.get()
    let seconds = start.duration(to: .now).seconds
    if turn != nil, let index = phases.firstIndex(where: { $0.name == name }) {
      phases[index].seconds += seconds
      phases[index].amount += amount
      phases[index].peakBytes = max(phases[index].peakBytes, peak)
    } else {
      phases.append((name, seconds, amount, unit, peak))
    }
    session.console.end()
    return value
  }

  /// Adds what the backends' matrices took since the last call to the phase that goes on.
  private func notePeak() {
    let bytes = backends.reduce(0) { $0 + $1.takePeakBytes() }
    if let last = peaks.popLast() { peaks.append(max(last, bytes)) }
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
      let peak = try session.communicator.maximumBytes(of: phase.peakBytes)
      return RunReport.Phase(name: phase.name, seconds: seconds, rate: rate, peakBytes: peak > 0 ? peak : nil)
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
