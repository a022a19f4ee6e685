internal import Foundation
internal import Glibc

/// Where a run reads and writes, by paths as the system resolves them: no folder may be mistaken for another's content.
package enum RunPlaces {
  /// - Parameter output: nil: nothing is written there.
  /// - Throws: ``RunFolderError`` when folders lie in each other that must not.
  package static func check(model: String, output: String?, runFolder: String) throws(RunFolderError) {
    let (source, run, target) = (components(model), components(runFolder), output.map(components))
    // The model itself is told of where the output is looked at.
    if let output, let target, target != source {
      guard !isInside(target, source) else {
        throw RunFolderError(message: "the output \(output) lies inside the model \(model); name another (--output)")
      }
      guard !isInside(source, target) else {
        throw RunFolderError(message: "the model \(model) lies inside the output \(output); name another (--output)")
      }
    }
    for (folder, name, given) in [(source, "the model", model), (target ?? [], "the output", output ?? "")]
    where !folder.isEmpty && isInside(run, folder) {
      let place = run == folder ? "is \(name) too" : "lies inside \(name) \(given)"
      throw RunFolderError(message: "the run folder \(runFolder) \(place); name another (--run-folder)")
    }
    guard let output, let target else { return }
    for part in ["state", "pruned"] where isInside(target, run + [part]) {
      throw RunFolderError(
        message: "the output \(output) lies in \(runFolder)/\(part), where a run keeps its own; name another (--output)"
      )
    }
  }

  private static func isInside(_ path: [String], _ folder: [String]) -> Bool { path.starts(with: folder) }

  /// The names of the folders down to a path: symbolic links resolved as far as there is anything, and the rest as written.
  static func components(_ path: String) -> [String] {
    let current = FileManager.default.currentDirectoryPath
    var existing = (path.hasPrefix("/") ? path : "\(current)/\(path)").split(separator: "/").map(String.init)
    var missing: [String] = []
    while !existing.isEmpty {
      if let real = unsafe realpath("/" + existing.joined(separator: "/"), nil) {
        defer { unsafe free(real) }
        existing = unsafe String(cString: real).split(separator: "/").map(String.init)
        break
      }
      missing.insert(existing.removeLast(), at: 0)
    }
    for name in missing where name != "." {
      if name == ".." { _ = existing.popLast() } else { existing.append(name) }
    }
    return existing
  }
}
