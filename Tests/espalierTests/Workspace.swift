import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

/// A folder in which the program is run, with models that can be spoiled in it.
final class Workspace: Sendable {
  let folder: TemporaryFolder
  var path: String { folder.path }

  init() throws { folder = try TemporaryFolder() }

  static let valid = Fixtures.repository + "/demo/valid.txt"

  /// A small run of the demo into `out`, whose run folder is `out.run`.
  static let smallRun = [
    "prune", "--model", Fixtures.demoModel, "--output", "out", "--calibration-text", valid, "--sequences", "4",
    "--length", "32", "--threads", "1",
  ]

  /// The same with another model.
  static func smallRun(model: String) -> [String] { smallRun.map { $0 == Fixtures.demoModel ? model : $0 } }

  /// A folder with links to the files of `source`, without those in `leaving`.
  func linked(_ name: String, to source: String = Fixtures.demoModel, leaving: Set<String> = []) throws -> String {
    let path = try folder.makeFolder(name)
    for file in try FileManager.default.contentsOfDirectory(atPath: source) where !leaving.contains(file) {
      try folder.link("\(name)/\(file)", to: "\(source)/\(file)")
    }
    return path
  }

  /// The demo's folder with one file of other contents.
  func model(_ name: String = "model", replacing file: String, by change: ([UInt8]) throws -> [UInt8]) throws -> String
  {
    let path = try linked(name, leaving: [file])
    try folder.write(change(TemporaryFolder.bytes(of: "\(Fixtures.demoModel)/\(file)")), to: "\(name)/\(file)")
    return path
  }

  /// The demo's folder with its configuration changed.
  func model(configuration change: (inout [String: Any]) -> Void) throws -> String {
    try model(replacing: "config.json") { bytes in
      var object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
      change(&object)
      return [UInt8](try JSONSerialization.data(withJSONObject: object))
    }
  }

  /// Token ids as a file of `input_ids`, `[sequence, token]`.
  func inputIDs(_ name: String, sequences: Int, tokens: Int, below vocabulary: Int) throws -> String {
    var random = SeededGenerator(seed: 1)
    let ids = (0..<sequences).map { _ in
      (0..<tokens).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) }
    }
    return try folder.write(SafetensorsBytes.inputIDs(ids), to: name)
  }

  /// Every file and folder below, by its path.
  var everything: Set<String> { Set(FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []) }

  /// A run's files that have to be the same however it was made: the pruned folder's, and the plan.
  func files(of output: String) throws -> [String: [UInt8]] {
    var files = ["plan.json": try folder.read("\(output).run/plan.json")]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.file(output)) {
      files["\(output.isEmpty ? "" : "model/")\(name)"] = try folder.read("\(output)/\(name)")
    }
    return files
  }

  /// The scores of a run.
  func scores(of output: String) throws -> [[Float]] {
    let file = try SafetensorsFile(path: folder.file("\(output).run/scores.safetensors"))
    return try file.names.sorted().map { try file.tensor($0).floats() }
  }
}

/// JSON that the program printed or wrote.
func object(_ text: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
