internal import Artifacts
public import Communication
internal import Foundation
internal import Glibc

/// What a run says while it goes on. Rank 0 speaks, on standard error, so that standard output is the result's alone.
///
/// On a terminal a phase has one line that changes; elsewhere (a batch job's log) plain lines, few of them.
public final class Console {
  /// Told of the same, on every rank.
  let heartbeat: Heartbeat
  private let isSpeaking: Bool
  private let isTerminal: Bool
  private var phase = Phase()
  /// The phases that `phase` is inside of, the innermost last.
  private var outer: [Phase] = []
  private var lastLine = ContinuousClock.now
  private var hasOpenLine = false

  private struct Phase {
    var name = ""
    var amount = 0.0
    var unit = ""
    var start = ContinuousClock.now
  }

  /// Seconds between two lines of a phase where lines can not be overwritten.
  private static let plainInterval = 5.0
  private static let terminalInterval = 0.1

  /// - Parameters:
  ///   - isSpeaking: whether this rank speaks: rank 0, unless silence was asked for.
  ///   - heartbeat: told of phases and progress, whether this rank speaks or not.
  public init(isSpeaking: Bool, heartbeat: Heartbeat = Heartbeat()) {
    self.isSpeaking = isSpeaking
    self.heartbeat = heartbeat
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// A line of its own.
  public func say(_ text: String) {
    guard isSpeaking else { return }
    closeLine()
    write(text + "\n")
  }

  /// Begins a phase, perhaps inside another, that will get `amount` of `unit` done, such as tokens; rates are told in it.
  ///
  /// Its line stands before its work, so that a log that something cut off ends with the phase it was cut off in.
  func begin(_ name: String, amount: Double, unit: String) {
    heartbeat.begin(name)
    outer.append(phase)
    phase = Phase(name: name, amount: amount, unit: unit)
    lastLine = phase.start
    if isSpeaking { line(["begins"], isFinal: false) }
  }

  /// Tells how far the phase is.
  func progress(_ done: Int, of total: Int) {
    guard total > 0 else { return }
    heartbeat.tick(progress: "\(Int(Double(done) / Double(total) * 100)) %")
    // Work inside the first step has nothing to tell yet.
    guard isSpeaking, done > 0 else { return }
    let now = ContinuousClock.now
    let interval = isTerminal ? Self.terminalInterval : Self.plainInterval
    guard lastLine.duration(to: now).seconds >= interval else { return }
    lastLine = now
    let elapsed = phase.start.duration(to: now).seconds
    let share = Double(done) / Double(total)
    let left = share > 0 ? elapsed / share - elapsed : 0
    line(["\(Int(share * 100)) %", rate(share, elapsed), "\(Self.time(left)) left"], isFinal: false)
  }

  /// Tells of a finished step of training, with what it came to.
  func progress(_ step: TrainingStep, of total: Int) {
    heartbeat.tick(progress: "step \(step.step) of \(total)")
    guard isSpeaking, total > 0 else { return }
    let now = ContinuousClock.now
    let isFinal = step.step == total
    guard
      step.validationPerplexity != nil
        || lastLine.duration(to: now).seconds >= (isTerminal ? Self.terminalInterval : Self.plainInterval)
    else { return }
    lastLine = now
    let elapsed = phase.start.duration(to: now).seconds
    let left = elapsed / Double(step.step) * Double(total - step.step)
    var parts = ["step \(step.step)/\(total)", String(format: "loss %.4g", step.loss)]
    if let sparsity = step.sparsity { parts.append(String(format: "sparsity %.2f %%", sparsity * 100)) }
    if let attention = step.attentionOpen, let mlp = step.mlpOpen {
      parts.append(String(format: "open %.1f %% attention, %.1f %% MLP", attention * 100, mlp * 100))
    }
    if step.sentBytes > 0 {
      let ratio = Double(step.uncompressedBytes) / Double(step.sentBytes)
      parts.append(ByteSize(bytes: step.sentBytes).rounded + String(format: " sent (1/%.2f)", ratio))
    }
    if let perplexity = step.validationPerplexity { parts.append(String(format: "validation %.2f", perplexity)) }
    if !isFinal { parts.append("\(Self.time(left)) left") }
    line(parts, isFinal: step.validationPerplexity != nil)
  }

  /// Ends the phase with what it took.
  func end() {
    heartbeat.end()
    if isSpeaking {
      let elapsed = phase.start.duration(to: .now).seconds
      line(["done in \(Self.time(elapsed))", rate(1, elapsed)], isFinal: true)
    }
    phase = outer.popLast() ?? Phase()
  }

  private func rate(_ share: Double, _ elapsed: Double) -> String {
    guard phase.amount > 0, elapsed > 0.001 else { return "" }
    return "\(TableNumber.rate(phase.amount * share / elapsed)) \(phase.unit)/s"
  }

  private func padded(_ text: String) -> String { text + String(repeating: " ", count: max(0, 20 - text.count)) }

  /// `4.5 s`, `45 s`, `3 min 20 s`, `2 h 05 min`.
  package static func time(_ seconds: Double) -> String {
    // An estimate from the first moments of a phase can be anything.
    guard !(seconds >= 366 * 86_400) else { return "more than a year" }
    guard seconds >= 9.95 else { return String(format: "%.1f s", seconds > 0 ? seconds : 0) }
    let whole = Int(seconds.rounded())
    if whole < 100 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(String(format: "%02d", whole % 60)) s" }
    return "\(whole / 3600) h \(String(format: "%02d", whole % 3600 / 60)) min"
  }

  private func line(_ parts: [String], isFinal: Bool) {
    let text = padded(phase.name) + " " + parts.filter { !$0.isEmpty }.joined(separator: "  ")
    guard isTerminal else {
      write(text + "\n")
      return
    }
    write("\r" + text + "\u{1B}[K" + (isFinal ? "\n" : ""))
    hasOpenLine = !isFinal
  }

  private func closeLine() {
    if hasOpenLine { write("\n") }
    hasOpenLine = false
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension Duration {
  /// Seconds with their fraction.
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
