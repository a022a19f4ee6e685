import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `bench loading` and `bench repacking`.
  @Suite struct LoadingBenchTests {
    @Test(arguments: [nil, 2], [[], ["--cold"]]) func loading(ranks: Int?, flags: [String]) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["bench", "loading", "--model", Fixtures.demoModel, "--json"] + flags, ranks: ranks, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      let facts = try object(launched.output)
      #expect(facts["mapped_bytes"] as? Int == 2_624_768 && facts["files"] as? Int == 1)
      let parts = ["open_seconds", "hash_seconds", "startup_seconds"].map { facts[$0] as? Double ?? 0 }
      #expect(parts.allSatisfy { $0 > 0 } && abs(parts[0] + parts[1] - parts[2]) < 1e-9)
      let readings = try #require(facts["readings"] as? [[String: Any]])
      #expect(readings.count == 2)
      for reading in readings {
        #expect((reading["bytes_per_second"] as? Double) ?? 0 > 0)
        let share = reading["resident_share_before"] as? Double
        #expect(share.map { (0...1).contains($0) } ?? (reading["resident_share_before"] is NSNull))
      }
      #expect(workspace.everything.isEmpty)
    }

    @Test func loadingTable() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["bench", "loading", "--model", Fixtures.demoModel], in: workspace.path)
      #expect(launched.code == 0 && launched.errors.isEmpty)
      for row in [
        "\nsize            2.6 MB in 1 file\n", "\nstart-up        ", "\nfirst reading   ", "in memory before",
      ] {
        #expect(launched.output.contains(row), "\(row): \(launched.output)")
      }
    }

    /// What is written is removed, with the folder that had to be made for it.
    @Test(arguments: [("out", 2), ("new/out", nil)]) func repacking(output: String, ranks: Int?) async throws {
      let workspace = try Workspace()
      let bench = ["bench", "repacking", "--model", Fixtures.demoModel, "--sparsity", "0.5", "--output", output]
      let launched = try await Program.run(bench + ["--quiet", "--json"], ranks: ranks, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      let facts = try object(launched.output)
      #expect(facts["read_bytes"] as? Int == 2_624_768 && facts["ranks"] as? Int == ranks ?? 1)
      let written = try #require(facts["written_bytes"] as? Int)
      // Half of 1,179,648 prunable weights of two bytes is gone.
      #expect((1_400_000...1_500_000).contains(written))
      #expect(abs((facts["sparsity"] as? Double ?? 0) - 0.5) < 0.01)
      let (seconds, rate) = (facts["seconds"] as? Double ?? 0, facts["written_bytes_per_second"] as? Double ?? 0)
      #expect(seconds > 0 && abs(rate * seconds - Double(written)) < 1)
      #expect(workspace.everything.isEmpty)
      let table = try await Program.run(bench + ["--quiet"], in: workspace.path)
      #expect(table.code == 0 && table.output.contains("\nwritten      ") && table.output.contains(" MB/s"))
    }

    @Test(arguments: WrongInput.loadingBench, [nil, 2]) func wrong(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }
  }
}

extension WrongInput {
  static let loadingBench: [WrongInput] = [
    WrongInput("no model to load", 64, ["--model"], arguments: ["bench", "loading"]),
    WrongInput("no such model to load", 66, ["nowhere"], arguments: ["bench", "loading", "--model", "nowhere"]),
    WrongInput("a damaged model", 65, ["model.safetensors"]) { workspace in
      let model = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(3)) }
      return ["bench", "loading", "--model", model, "--cold"]
    },
    WrongInput("an output that exists", 73, ["taken", "removes its output"]) { workspace in
      _ = try workspace.folder.makeFolder("taken")
      return ["bench", "repacking", "--model", Fixtures.demoModel, "--output", "taken", "--overwrite"]
    },
    WrongInput(
      "more than all", 64, ["--sparsity 1.5"],
      arguments: ["bench", "repacking", "--model", Fixtures.demoModel, "--output", "out", "--sparsity", "1.5"]),
  ]
}
