internal import Foundation

/// Memory of the host that a process could still have.
enum HostMemory {
  /// Bytes that the system could give without swapping (`MemAvailable`), and no more than a control group leaves; half of
  /// the installed memory where it does not say.
  static let availableBytes: Int = {
    let system = lines(of: "/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
      .flatMap { Int($0.dropFirst("MemAvailable:".count).filter(\.isNumber)) }
      .map { $0 * 1024 }
    let installed = Int(clamping: ProcessInfo.processInfo.physicalMemory) / 2
    return min(system ?? installed, controlGroupBytes ?? .max)
  }()

  /// What this process's control group (version 2) has left; nil without a limit.
  private static var controlGroupBytes: Int? {
    guard let group = lines(of: "/proc/self/cgroup").first(where: { $0.hasPrefix("0::") }) else { return nil }
    let folder = "/sys/fs/cgroup" + group.dropFirst("0::".count)
    guard let most = number("\(folder)/memory.max"), let now = number("\(folder)/memory.current") else { return nil }
    return max(0, most - now)
  }

  private static func number(_ path: String) -> Int? { lines(of: path).first.flatMap { Int($0) } }

  static func lines(of path: String) -> [Substring] {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
  }
}
