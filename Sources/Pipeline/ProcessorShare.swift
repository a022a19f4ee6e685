package import Artifacts
internal import Foundation

/// The processors that a rank may use, as it tells the others of its host: those that it is bound to, and the time that
/// its control group is granted.
public struct ProcessorShare: Codable, Sendable, Equatable {
  /// Numbers as the kernel writes them (`0-3,8`); empty where it does not, as if all ranks shared them.
  package var processors: String
  /// Processors' time that the control group grants; nil: no limit.
  package var quota: Double?
  /// The group's path: ranks of one group share its time.
  package var group: String

  package init(processors: String, quota: Double? = nil, group: String = "") {
    (self.processors, self.quota, self.group) = (processors, quota, group)
  }

  /// This process's.
  public static var ofThisProcess: Self {
    let name = "Cpus_allowed_list:"
    let line = HostMemory.lines(of: "/proc/self/status").first { $0.hasPrefix(name) }
    let list = line.map { $0.dropFirst(name.count).trimmingCharacters(in: .whitespaces) } ?? ""
    return Self(
      processors: list, quota: ControlGroup.current.processors, group: ControlGroup.current.processorsGroup)
  }

  /// For other ranks.
  var bytes: [UInt8] { (try? JSONEncoder().encode(self)).map(Array.init) ?? [] }

  init(bytes: [UInt8]) {
    self = (try? JSONDecoder().decode(Self.self, from: Data(bytes))) ?? Self(processors: "")
  }

  /// Threads that `OPENBLAS_NUM_THREADS` asks for; nil where it does not.
  static var environmentThreads: Int? {
    ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
  }

  /// How many processors it may use, whatever their time.
  public var count: Int {
    // Foundation's activeProcessorCount does not see a binding.
    let count = DoctorFacts.numbers(processors).count
    return count > 0 ? count : ProcessInfo.processInfo.activeProcessorCount
  }

  /// `resources.threads: auto`: the processors that this rank may use, divided among the ranks that may use the same ones,
  /// and no more than its share of the control group's time, to the nearest whole.
  ///
  /// A launcher that binds gives each rank processors of its own; without binding all ranks of a host share all that the
  /// host, the job or the container has.
  ///
  /// - Parameter others: all ranks of the host, this one among them.
  package func threads(among others: [ProcessorShare]) -> Int {
    let bound = count / max(1, others.count { $0.processors == processors })
    let ranksOfGroup = max(1, others.count { $0.group == group })
    let granted = quota.map { Int(min(($0 / Double(ranksOfGroup)).rounded(), 1e6)) } ?? bound
    return max(1, min(bound, granted))
  }

  /// More threads than this for each processor are a mistyped number rather than a wish.
  private static let mostPerProcessor = 8

  /// - Throws: ``RunDocumentError`` for many times more threads than processors.
  package func check(_ threads: Int, isFromDocument: Bool) throws(RunDocumentError) {
    let most = Self.mostPerProcessor * count
    guard threads > most else { return }
    throw RunDocumentError(
      .invalidValue,
      "\(isFromDocument ? "resources.threads" : "OPENBLAS_NUM_THREADS"): \(threads) threads on "
        + "\(TableNumber.counted(count, "processor")) would mostly wait for each other; name \(most) or fewer, or auto")
  }

  /// Tells of more threads than processors, or than the control group's time is for.
  ///
  /// - Parameter others: all ranks of the host, this one among them.
  package func warning(_ threads: Int, among others: [ProcessorShare]) -> String? {
    let advice = "they wait for each other at every product; resources.threads: auto takes as many as can run"
    if threads > count { return "\(threads) threads on \(TableNumber.counted(count, "processor")): \(advice)" }
    let ranksOfGroup = max(1, others.count { $0.group == group })
    guard let quota, Double(threads * ranksOfGroup) > quota + 0.5, threads > 1 else { return nil }
    return
      "\(TableNumber.counted(ranksOfGroup, "rank")) with \(threads) threads each, but the control group grants the time of"
      + " \(TableNumber.fixed(quota, 1)) processors: \(advice)"
  }
}
