internal import Foundation

/// transformers in one of the releases that outputs are promised to load in (scripts/setup-oracle).
public struct Oracle: Sendable {
  private let python: String

  /// The oldest and the newest release; empty where the oracle is not installed: tests that need it are skipped.
  public static let all: [Oracle] = {
    let newest = ProcessInfo.processInfo.environment["ESPALIER_ORACLE"] ?? Fixtures.repository + "/.oracle/bin/python"
    guard FileManager.default.isExecutableFile(atPath: newest) else { return [] }
    let folder = URL(filePath: newest).deletingLastPathComponent().deletingLastPathComponent()
    return [Oracle(python: folder.path + "/transformers4/bin/python"), Oracle(python: newest)]
  }()

  /// A folder to check, and what else to do with it.
  public struct Job: Encodable, Sendable {
    var folder: String
    /// Token ids, lists of them.
    var ids: [[Int32]]?
    /// Gets `logits.I`, `[token, vocabulary]`, for each list of `ids`.
    var logits: String?

    public init(folder: String, ids: [[Int32]]? = nil, logits: String? = nil) {
      (self.folder, self.ids, self.logits) = (folder, ids, logits)
    }
  }

  /// Runs scripts/oracle/check_pruned_folder.py over all folders in one process, since starting PyTorch takes seconds.
  ///
  /// - Parameter folder: for what the check itself writes.
  /// - Returns: what failed; nil when all folders pass.
  public func check(_ jobs: [Job], in folder: TemporaryFolder) throws -> String? {
    guard FileManager.default.isExecutableFile(atPath: python) else {
      return "\(python) is missing: run scripts/setup-oracle, which makes both environments"
    }
    let list = folder.file("jobs.json")
    try JSONEncoder().encode(jobs).write(to: URL(filePath: list))
    let log = folder.file("check.log")
    try Data().write(to: URL(filePath: log))
    let output = try FileHandle(forWritingTo: URL(filePath: log))
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [Fixtures.repository + "/scripts/oracle/check_pruned_folder.py", "--list", list]
    let own = ["HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_MODULES_CACHE": folder.file("modules")]
    process.environment = ProcessInfo.processInfo.environment.merging(own) { $1 }
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOfFile: log, encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    guard process.terminationStatus == 0, lines.contains(where: { $0.hasSuffix("all passed, \(jobs.count) in number") })
    else { return "\(python): " + lines.suffix(12).joined(separator: "\n") }
    return nil
  }
}
