internal import Tensors
import Foundation
import Safetensors
import TestSupport
import Testing

extension ProgramTests {
  /// Text that the model writes, and what reads it.
  @Suite struct GenerateTests {
    static let options = [
      "--model", Fixtures.demoModel, "--calibration-text", Workspace.valid, "--threads", "1", "--set",
      "generation.sequences=7", "--set", "generation.length=48", "--set", "generation.prompt=5", "--set",
      "generation.seed=11", "--set", "resources.compute=f32",
    ]

    private static func run(_ arguments: [String], ranks: Int?, in workspace: Workspace) async throws -> [String: Any] {
      let launched = try await Program.run(arguments + ["--json"], ranks: ranks, in: workspace.path)
      try #require(launched.code == 0, "\(arguments): \(launched.errors)")
      return try object(launched.output)
    }

    /// Any number of ranks, whether they have the weights from files or from their owners, leaves the same file.
    @Test func ranksLeaveTheSameFile() async throws {
      let workspace = try Workspace()
      let report = try await Self.run(["generate", "--run-folder", "alone"] + Self.options, ranks: nil, in: workspace)
      let generated = try #require(report["generated"] as? [String: Any])
      #expect(generated["path"] as? String == "alone/generated.safetensors")
      #expect(generated["sequences"] as? Int == 7 && generated["length"] as? Int == 48)
      let phases = try #require(report["phases"] as? [[String: Any]])
      #expect(phases.map { $0["name"] as? String } == ["generate"])
      #expect((phases[0]["rate"] as? [String: Any])?["unit"] as? String == "tokens/s")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file("alone")).sorted()
          == ["generated.safetensors", "report.html", "report.json", "run.yaml", "trace.json"])

      let file = try SafetensorsFile(path: workspace.folder.file("alone/generated.safetensors"))
      #expect(file.names == ["input_ids"] && file.metadata["seed"] == "11" && file.metadata["prompt"] == "5")
      #expect(file.metadata["temperature"] == "1.0")
      #expect(file.metadata["model_hash"] == (report["model"] as? [String: Any])?["hash"] as? String)
      let tensor = try file.tensor("input_ids")
      #expect(tensor.elementType == .int32 && tensor.shape.dimensions == [7, 48])

      let bytes = try workspace.folder.read("alone/generated.safetensors")
      for (ranks, weights) in [(1, "files"), (2, "files"), (3, "files"), (3, "owner")] {
        let folder = "\(weights)-\(ranks)"
        let launched = try await Program.run(
          ["generate", "--run-folder", folder, "--set", "resources.weights=\(weights)"] + Self.options, ranks: ranks,
          in: workspace.path)
        #expect(launched.code == 0, "\(launched.errors)")
        #expect(launched.ownLines.count == 3 && launched.ownLines.last?.hasPrefix("generate  ") == true)
        #expect(launched.output.contains("\ngenerated     \(folder)/generated.safetensors, 7 sequences of 48 tokens"))
        #expect(try workspace.folder.read("\(folder)/generated.safetensors") == bytes, "\(folder)")
      }
      // Another temperature is another text with the same prompts.
      _ = try await Self.run(
        ["generate", "--run-folder", "cold", "--set", "generation.temperature=0.01"] + Self.options, ranks: 2,
        in: workspace)
      let cold = try SafetensorsFile(path: workspace.folder.file("cold/generated.safetensors")).tensor("input_ids")
      let (own, other) = (try tensor.integers(), try cold.integers())
      for row in 0..<7 { #expect(own[row * 48..<row * 48 + 5] == other[row * 48..<row * 48 + 5]) }
      #expect(own != other)
    }

    /// Tuning, recovery and calibration read it, and prompts may be its beginnings.
    @Test func isReadAsText() async throws {
      let workspace = try Workspace()
      _ = try await Self.run(["generate", "--run-folder", "g"] + Self.options, ranks: 2, in: workspace)
      let text = "g/generated.safetensors"
      let report = try await Self.run(
        [
          "prune", "--model", Fixtures.demoModel, "--output", "out", "--calibration-text", text, "--sequences", "3",
          "--evaluation-text", Workspace.valid, "--window", "64", "--limit", "2", "--threads", "1",
        ]
          + ["tuning", "recovery"].flatMap { section in
            ["steps=2", "text=\(text)", "length=32", "validation=2"].flatMap { ["--set", "\(section).\($0)"] }
          }, ranks: 2, in: workspace)
      let training = try #require(report["training"] as? [[String: Any]])
      #expect(training.map { $0["stage"] as? String } == ["tune", "recover"])
      #expect(training.map { $0["tokens"] as? Int } == [2 * 2 * 32, 2 * 4 * 32])
      let again = try await Self.run(
        ["generate", "--run-folder", "h"] + Self.options
          + ["--set", "generation.text=\(text)", "--set", "generation.sequences=9"], ranks: nil, in: workspace)
      let warnings = try #require(again["warnings"] as? [String])
      #expect(warnings.contains { $0.contains("7 prompts for 9 sequences") })
      let ids = try SafetensorsFile(path: workspace.folder.file("h/generated.safetensors")).tensor("input_ids")
        .integers()
      // The same prompt goes on otherwise in another sequence.
      #expect(ids[0..<5] == ids[7 * 48..<7 * 48 + 5] && ids[0..<48] != ids[7 * 48..<8 * 48])
    }
  }
}
