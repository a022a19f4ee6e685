import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

extension Workspace {
  /// The demo's folder with its configuration and its tensors changed.
  func model(
    configuration change: (inout [String: Any]) -> Void = { _ in },
    tensors rewrite: (inout [StoredTensor]) throws -> Void
  ) throws -> String {
    let path = try linked("model", leaving: ["config.json", "model.safetensors"])
    let bytes = try TemporaryFolder.bytes(of: "\(Fixtures.demoModel)/config.json")
    var object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    change(&object)
    try folder.write([UInt8](try JSONSerialization.data(withJSONObject: object)), to: "model/config.json")
    try WeightFile.rewrite(
      folder.file("model/model.safetensors"), from: "\(Fixtures.demoModel)/model.safetensors", rewrite)
    return path
  }

  /// Perplexity on four windows of 64 tokens, which transformers was asked for too (scripts/oracle/perplexity.py with
  /// `--window 64 --limit 4`).
  func perplexity(of model: String) async throws -> (value: Double, launched: Launched) {
    let launched = try await Program.run(
      [
        "evaluate", "--model", model, "--evaluation-text", Self.valid, "--limit", "4", "--window", "64", "--threads",
        "1", "--json",
      ], in: path)
    try #require(launched.code == 0, "\(launched.errors)")
    let perplexity = try #require(try object(launched.output)["perplexity"] as? [String: Any])
    return (try #require(perplexity["before"] as? Double), launched)
  }

  /// That every verb refuses a model folder in one line with `parts`.
  func expectRefusal(of model: String, code: Int32 = 65, _ parts: [String]) async throws {
    for arguments in [Self.smallRun(model: model), ["inspect", model]] {
      let launched = try await Program.run(arguments, in: path)
      WrongInput.check(launched, code: code, parts: parts, isLaunched: false)
      #expect(!everything.contains("out"))
    }
  }
}

/// The demo's tensor of a name.
func tensor(_ name: String, of tensors: [StoredTensor]) throws -> StoredTensor {
  try #require(tensors.first { $0.name == name })
}
