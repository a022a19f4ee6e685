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
    return min(system ?? installed, ControlGroup.current.availableBytes ?? .max)
  }()

  static func lines(of path: String) -> [Substring] {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
  }
}
