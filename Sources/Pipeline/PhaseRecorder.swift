package import Artifacts
package import Checkpoints
internal import Communication
package import Compute
internal import Glibc

/// How long each phase took on this rank, what it got done and how much memory that took: the report's table compares
/// ranks.
package final class PhaseRecorder {
  private let session: Session
  /// Which of several like phases goes on, such as `2/4`.
  private var turn: String?
  private struct Phase {
    let name: String
    var seconds: Double
    /// Of these, waiting for other ranks.
    var waited: Double
    var amount: Double
    let unit: String
    var peakBytes: Int
    /// What this rank had to do of it; nil: as much as every other.
    var share: Double?
  }

  private var phases: [Phase] = []
  /// What all ranks must hold alike when a phase begins: a name and a digest each, in the order they came about.
  private var held: [(name: String, digest: String)] = []
  /// Files that must not change while the run goes on.
  private var watched: [CheckpointStamp] = []
  private let backends: [any ComputeBackend]
  /// A phase that goes on.
  private struct Ongoing {
    /// The backends' peak in it so far.
    var peakBytes = 0
    /// What phases inside it have taken, which counts there alone.
    var innerSeconds = 0.0
    var innerWaited = 0.0
    var share: Double?
  }

  /// The innermost last.
  private var ongoing: [Ongoing] = []
  /// Bytes that this rank's weights and gradients moved between ranks.
  var trafficBytes = 0

  /// What phases are expected to take, by name.
  var predictions: [String: PhaseEstimate] = [:]
  /// The phases so far.
  var names: [String] { phases.map(\.name) }

  /// - Parameter backends: whose memory is told of, each once.
  package init(_ session: Session, backends: [any ComputeBackend]) {
    self.session = session
    self.backends = backends
  }

  /// From now on ranks compare `digest` at the beginning of each phase; it takes the place of an earlier one of that name.
  package func hold(_ name: String, _ digest: String) {
    if let index = held.firstIndex(where: { $0.name == name }) {
      held[index].digest = digest
    } else {
      held.append((name, digest))
    }
  }

  /// From now on ranks look at the beginning of each phase whether these files are as they were.
  package func watch(_ stamp: CheckpointStamp) { watched.append(stamp) }

  /// Makes sure before a phase that ranks still hold the same, that nobody changed the files under the run, and that
  /// nobody asked the run to end. Collective.
  private func agree(before name: String) throws {
    try session.together { for stamp in watched { try stamp.requireUnchanged() } }
    try session.communicator.requireAgreement(at: name, on: held)
    // Inside a phase it is the stage that stops, where it has saved what it did.
    guard ongoing.isEmpty, let signal = try session.signalToStop() else { return }
    throw StoppedError(signal: signal, saved: "everything before \(name)")
  }

  /// Runs a phase, tells of its progress and records its time, without that of phases inside it. `amount` of `unit` is what
  /// all ranks together get done. Collective: ranks first make sure that they agree.
  package func run<Value>(_ name: String, amount: Double = 0, unit: String = "", _ body: () throws -> Value) throws
    -> Value
  {
    let title = turn.map { "\(name) \($0)" } ?? name
    try agree(before: title)
    session.console.begin(title, amount: amount, unit: unit)
    let start = ContinuousClock.now
    let waitedBefore = session.heartbeat.waitedSeconds
    notePeak()
    ongoing.append(Ongoing())
    let result = Result { try body() }
    session.trace.endStep()
    session.trace.record(turn.map { "\(name) \($0)" } ?? name, .phase, on: .main, from: start)
    notePeak()
    let own = ongoing.removeLast()
    let elapsed = start.duration(to: .now).seconds
    let elapsedWaiting = session.heartbeat.waitedSeconds - waitedBefore
    if let last = ongoing.indices.last {
      ongoing[last].peakBytes = max(ongoing[last].peakBytes, own.peakBytes)
      ongoing[last].innerSeconds += elapsed
      ongoing[last].innerWaited += elapsedWaiting
    }
    let value = try result.get()
    let (seconds, waited) = (elapsed - own.innerSeconds, elapsedWaiting - own.innerWaited)
    if turn != nil, let index = phases.firstIndex(where: { $0.name == name }) {
      phases[index].seconds += seconds
      phases[index].waited += waited
      phases[index].amount += amount
      phases[index].peakBytes = max(phases[index].peakBytes, own.peakBytes)
      if let share = own.share { phases[index].share = (phases[index].share ?? 0) + share }
    } else {
      phases.append(
        Phase(
          name: name, seconds: seconds, waited: waited, amount: amount, unit: unit, peakBytes: own.peakBytes,
          share: own.share))
    }
    session.console.end()
    return value
  }

  /// Says inside a phase how much of its work is this rank's, in any unit, for the report to tell a slow rank from one that
  /// has more to do. On every rank or on none.
  package func share(_ amount: Int) {
    if let last = ongoing.indices.last { ongoing[last].share = (ongoing[last].share ?? 0) + Double(amount) }
  }

  /// Adds what the backends' matrices took since the last call to the phase that goes on.
  private func notePeak() {
    let bytes = backends.reduce(0) { $0 + $1.takePeakBytes() }
    if let last = ongoing.indices.last { ongoing[last].peakBytes = max(ongoing[last].peakBytes, bytes) }
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
  package func gathered() throws -> [RunReport.Phase] {
    let hosts = try session.communicator.hostLayout().hostNames
    return try phases.map { phase in
      let waited = try session.communicator.gather(phase.waited)
      let seconds = try session.communicator.gather(phase.seconds)
      let longest = seconds.max() ?? 0
      let rate =
        phase.amount > 0 && longest > 0 ? RunReport.Rate(value: phase.amount / longest, unit: phase.unit + "/s") : nil
      let peak = try session.communicator.maximumBytes(of: phase.peakBytes)
      // -1: nothing is known of it.
      let shares = try session.communicator.gather(phase.share ?? -1)
      let prediction = predictions[phase.name]
      return RunReport.Phase(
        name: phase.name, seconds: seconds, rate: rate, peakBytes: peak > 0 ? peak : nil,
        predictedSeconds: prediction?.seconds, predictedPeakBytes: peak > 0 ? prediction?.backendBytes : nil,
        waiting: waited, hosts: hosts, shares: shares.contains { $0 < 0 } ? nil : shares)
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
