internal import Foundation

/// What the meaning of a path depends on besides its text.
public struct RunEnvironment: Sendable, Equatable {
  /// What `~` stands for; `nil` when there is no home folder.
  public var home: String?
  /// The folder that relative paths start from, absolute.
  public var currentFolder: String

  /// An environment with these two folders.
  public init(home: String?, currentFolder: String) {
    self.home = home
    self.currentFolder = currentFolder
  }

  /// This process's `$HOME` and current folder.
  public static var process: RunEnvironment {
    let home = ProcessInfo.processInfo.environment["HOME"]
    return RunEnvironment(
      home: home.flatMap { $0.isEmpty ? nil : $0 }, currentFolder: FileManager.default.currentDirectoryPath)
  }

  /// The components of `path` from the root, without `.` and `..`. Links are not followed: this compares names.
  func components(_ path: String) -> [Substring] {
    let whole = path.hasPrefix("/") ? path : currentFolder + "/" + path
    var result: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = result.popLast() } else { result.append(part) }
    }
    return result
  }

  /// The name that a model is known by: its folder's, or NAME for `models--OWNER--NAME/snapshots/REVISION`.
  func modelName(_ path: String) -> String {
    let parts = components(path)
    guard let last = parts.last else { return "model" }
    if parts.count >= 3, parts[parts.count - 2] == "snapshots", parts[parts.count - 3].hasPrefix("models--") {
      let repository = String(parts[parts.count - 3]).split(separator: "--", maxSplits: 2)
      return repository.last.map(String.init) ?? String(last)
    }
    return String(last)
  }
}
