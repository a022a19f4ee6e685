import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The result does not depend on how many ranks made it, where they took weights from, or how little memory they had.
  @Suite struct RankTests {
    /// 22 sequences, so that ranks have unequal shares, and shards for every rank to write.
    static func arguments(_ output: String, _ more: [String] = []) -> [String] {
      [
        "prune", Fixtures.repository + "/demo/run.yaml", "--model", Fixtures.demoModel, "--output", output,
        "--calibration-text", Workspace.valid, "--sequences", "22", "--length", "128", "--evaluation-text",
        Workspace.valid, "--limit", "5", "--threads", "1", "--set", "repacking.shard-size=400kB",
        // Gates are the same to rounding only: GateTuningRanksTests.
        "--set", "resources.microbatch=256", "--set", "tuning.steps=0",
      ] + more
    }

    /// The smallest `memory-limit` that is not refused: what the refusal names.
    static func leastMemory(ranks: Int, weights: [String], in workspace: Workspace) async throws -> String {
      let refused = try await Program.run(
        arguments("never", weights + ["--memory-limit", "1MB"]), ranks: ranks, in: workspace.path)
      #expect(refused.code == 71)
      return String(try #require(refused.errors.firstMatch(of: /about (\d+MB) is needed/)).output.1)
    }

    @Test func plansAndFilesAreTheSame() async throws {
      let workspace = try Workspace()
      let temporary = try workspace.folder.makeFolder("tmp")
      let alone = try await Program.run(Self.arguments("alone"), in: workspace.path)
      try #require(alone.code == 0, "\(alone.errors)")
      let (files, scores) = (try workspace.files(of: "alone"), try workspace.scores(of: "alone"))
      #expect(files.keys.filter { $0.hasSuffix(".safetensors") }.count > 3)

      for (ranks, weights) in [(1, "files"), (2, "files"), (3, "files"), (1, "owner"), (2, "owner"), (3, "owner")] {
        let name = "\(weights)-\(ranks)"
        let source = ["--set", "resources.weights=\(weights)"]
        let least = try await Self.leastMemory(ranks: ranks, weights: source, in: workspace)
        let launched = try await Program.run(
          Self.arguments(name, source + ["--memory-limit", least]), ranks: ranks, in: workspace.path,
          environment: ["TMPDIR": temporary])
        #expect(launched.code == 0, "\(name): \(launched.errors)")
        #expect(launched.errors.contains("of activations per rank go to a file in \(temporary)"), "\(name)")
        #expect(launched.errors.contains(ranks > 1 && weights == "owner" ? "from their owners" : "from mapped files"))
        #expect(try workspace.files(of: name) == files, "\(name)")
        let differences = zip(try workspace.scores(of: name), scores).map(largestRelativeDifference)
        #expect(differences.count == scores.count && differences.allSatisfy { $0 < 1e-5 }, "\(name): \(differences)")
        let report = try object(String(decoding: try workspace.folder.read("\(name).run/report.json"), as: UTF8.self))
        #expect((report["resources"] as? [String: Any])?["ranks"] as? Int == ranks)
      }
      #expect(workspace.everything.allSatisfy { !$0.contains("partial") && !$0.contains("unfinished") })
      #expect(
        workspace.folder.names.contains("never") == false && workspace.folder.names.contains("never.run") == false)
    }

    /// Whatever a rank keeps of its layers, the scores are the same bytes; a limit that forbids it is refused.
    @Test func recomputingChangesNothing() async throws {
      let workspace = try Workspace()
      func arguments(_ choice: String, _ more: [String] = []) -> [String] {
        [
          "score", "--model", Fixtures.demoModel, "--calibration-text", Workspace.valid, "--sequences", "10",
          "--length", "128", "--threads", "1", "--run-folder", choice, "--set", "resources.recompute=\(choice)",
          "--memory-limit", "2GB", "--json",
        ] + more
      }
      let said = [
        "always": "recompute: all 6 layers", "never": "recompute: 6 of 6 layers kept (", "auto": "recompute: ",
      ]
      for choice in ["always", "never", "auto"] {
        let run = try await Program.run(arguments(choice), ranks: choice == "auto" ? 1 : 2, in: workspace.path)
        #expect(run.code == 0 && run.errors.contains(said[choice] ?? ""), "\(choice): \(run.errors)")
        let report = try object(run.output)
        let phases = try #require(report["phases"] as? [[String: Any]])
        let peaks = phases.filter { $0["name"] as? String == "score" }.compactMap { $0["peak_bytes"] as? Int }
        #expect(peaks.count == 1 && peaks.allSatisfy { $0 > 1_000_000 })
      }
      let scores = try workspace.folder.read("always/scores.safetensors")
      #expect(try workspace.folder.read("never/scores.safetensors") == scores)
      let refused = try await Program.run(
        arguments("never", ["--memory-limit", "115MB"]), in: workspace.path)
      #expect(refused.code == 71 && refused.errors.contains("115MB per rank is too little"), "\(refused.errors)")
    }

    /// Ranks without a sequence, a window or a shard of their own take part all the same.
    @Test func moreRanksThanSequences() async throws {
      let workspace = try Workspace()
      let few = ["--sequences", "2", "--limit", "1"]
      let alone = try await Program.run(Self.arguments("alone", few), in: workspace.path)
      let many = try await Program.run(
        Self.arguments("many", few + ["--set", "resources.weights=owner"]), ranks: 5, in: workspace.path)
      #expect(alone.code == 0 && many.code == 0, "\(alone.errors)\(many.errors)")
      #expect(try workspace.files(of: "alone") == workspace.files(of: "many"))
    }

    /// Every criterion and accumulation, on two ranks as on one.
    @Test(arguments: [
      ("ntk", "absolute"), ("taylor", "signed"), ("taylor", "absolute"), ("magnitude", "signed"), ("random", "signed"),
    ])
    func criteria(criterion: String, accumulation: String) async throws {
      let workspace = try Workspace()
      let more = ["--criterion", criterion, "--set", "scoring.accumulation=\(accumulation)", "--limit", "1"]
      let alone = try await Program.run(Self.arguments("alone", more), in: workspace.path)
      let two = try await Program.run(Self.arguments("two", more), ranks: 2, in: workspace.path)
      #expect(alone.code == 0 && two.code == 0, "\(alone.errors)\(two.errors)")
      #expect(try workspace.files(of: "alone") == workspace.files(of: "two"))
    }
  }
}
