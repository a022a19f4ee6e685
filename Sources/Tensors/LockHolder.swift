import Glibc

/// Who holds a ``FileLock``, as its file says.
public struct LockHolder: Sendable, Equatable {
  /// What it does, such as `prune`.
  public var purpose: String
  /// The name of its host.
  public var host: String
  /// Its process number there.
  public var process: Int32
  /// When it began, such as `2026-11-22T07:31:05Z`.
  public var started: String

  /// A file beyond this is none of ours.
  static let largestFile = 4096

  /// This process, from now on.
  ///
  /// - Parameter purpose: one line.
  init(purpose: String) {
    self.purpose = OneLine.text(purpose)
    host = Self.ownHost
    process = getpid()
    started = Self.now
  }

  /// The holder in a lock's file; nil for what no lock wrote, or a kill tore.
  init?(text: String) {
    var values: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      values[line[..<colon]] = OneLine.text(String(line[line.index(after: colon)...].drop { $0 == " " }))
    }
    guard let purpose = values["purpose"], let host = values["host"], let started = values["started"],
      let process = values["process"].flatMap({ Int32($0) })
    else { return nil }
    (self.purpose, self.host, self.process, self.started) = (purpose, host, process, started)
  }

  /// What the lock's file says.
  var text: String { "purpose: \(purpose)\nhost: \(host)\nprocess: \(process)\nstarted: \(started)\n" }

  /// Whether the process is one of this host that lives.
  var isAlive: Bool { host == Self.ownHost && process > 0 && (kill(process, 0) == 0 || errno == EPERM) }

  static var ownHost: String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return OneLine.text(String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  private static var now: String {
    var seconds = time_t()
    unsafe time(&seconds)
    var parts = unsafe tm()
    guard unsafe gmtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
    let numbers = unsafe [parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec]
    let two = numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(unsafe parts.tm_year + 1900)-\(two[0])-\(two[1])T\(two[2]):\(two[3]):\(two[4])Z"
  }
}

extension LockHolder: CustomStringConvertible {
  public var description: String { "`\(purpose)` on \(host) (process \(process), since \(started))" }
}
