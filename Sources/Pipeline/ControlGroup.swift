internal import Foundation

/// What the control groups of this process allow it, of version 1 or 2: a container, a job of a batch system, a service.
///
/// A limit of a group above binds as well, so the lowest from the process's group up to the top counts. A container sees
/// its own group as the top, while /proc may name it by its path on the host: folders that are not there are passed over.
package struct ControlGroup: Sendable {
  /// Where the hierarchies are mounted.
  private let root: String
  /// `NUMBER:CONTROLLERS:PATH`, as in /proc/self/cgroup.
  private let memberships: [(controllers: [Substring], name: String, path: String)]

  /// This process's.
  package static let current = ControlGroup(
    root: "/sys/fs/cgroup", membership: (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? "")

  /// - Parameter membership: what /proc/self/cgroup says.
  package init(root: String, membership: String) {
    self.root = root
    memberships = membership.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, !parts[2].split(separator: "/").contains("..") else { return nil }
      return (parts[1].split(separator: ","), String(parts[1]), String(parts[2]))
    }
  }

  /// Processors' time that the group may use, in processors; nil without a limit.
  package var processors: Double? {
    let second = folders("").compactMap { folder -> Double? in
      let numbers = text("\(folder)/cpu.max")?.split(separator: " ").compactMap { Double($0) } ?? []
      return numbers.count == 2 ? Self.share(numbers[0], of: numbers[1]) : nil
    }
    let first = folders("cpu").compactMap { folder -> Double? in
      guard let quota = number("\(folder)/cpu.cfs_quota_us"), let period = number("\(folder)/cpu.cfs_period_us") else {
        return nil
      }
      return Self.share(Double(quota), of: Double(period))
    }
    return (second + first).min()
  }

  /// Bytes that the group has left; nil without a limit. The pages of files that nobody used of late do not count as taken:
  /// the system gives them up.
  package var availableBytes: Int? {
    let second = folders("").compactMap { left("\($0)/memory.max", "\($0)/memory.current", $0, "inactive_file") }
    let first = folders("memory").compactMap {
      left("\($0)/memory.limit_in_bytes", "\($0)/memory.usage_in_bytes", $0, "total_inactive_file")
    }
    return (second + first).min()
  }

  /// Processes and threads that the group may still have; nil without a limit.
  package var availableTasks: Int? {
    (folders("") + folders("pids")).compactMap { left("\($0)/pids.max", "\($0)/pids.current") }.min()
  }

  /// What tells the group whose processors' time is limited from others.
  package var processorsGroup: String {
    (memberships.first { $0.controllers.contains("cpu") } ?? memberships.first { $0.controllers.isEmpty })?.path ?? ""
  }

  /// The folders of this process's group and of those above it, in the hierarchy of a controller; `""`: version 2.
  private func folders(_ controller: Substring) -> [String] {
    memberships.filter { controller.isEmpty ? $0.controllers.isEmpty : $0.controllers.contains(controller) }
      .flatMap { membership -> [String] in
        let mounts =
          controller.isEmpty
          ? [root, "\(root)/unified"] : Set([membership.name, String(controller)]).map { "\(root)/\($0)" }
        let names = membership.path.split(separator: "/")
        return mounts.flatMap { mount in
          (0...names.count).map { ([Substring(mount)] + names.prefix($0)).joined(separator: "/") }
        }
      }
  }

  /// - Parameter statistic: of memory.stat, what the system can take back.
  private func left(_ limit: String, _ current: String, _ folder: String = "", _ statistic: String = "") -> Int? {
    guard let most = number(limit), let now = number(current), most < Self.unlimited else { return nil }
    let lines = statistic.isEmpty ? [] : text("\(folder)/memory.stat")?.split(separator: "\n") ?? []
    let reclaimable =
      lines.first { $0.hasPrefix(statistic + " ") }.flatMap { Int($0.dropFirst(statistic.count + 1)) } ?? 0
    return max(0, most - max(0, now - max(0, reclaimable)))
  }

  /// What version 1 says for no limit is a little less than 2⁶³.
  private static let unlimited = 1 << 62

  private static func share(_ quota: Double, of period: Double) -> Double? {
    quota > 0 && period > 0 ? quota / period : nil
  }

  /// Nil also for `max`.
  private func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  private func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
