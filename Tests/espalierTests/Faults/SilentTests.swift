import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What a run did without a word.
  @Suite struct SilentTests {
    /// A negative number is told of as what it is, not as a value that is missing.
    @Test(arguments: WrongInput.negative, [nil, 2]) func negative(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    /// Folders in each other, and more threads than can be meant.
    @Test(arguments: WrongInput.places, [nil, 2]) func place(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    /// The table and the report say that another sparsity came out, and what helps does help.
    @Test func anotherSparsityThanAsked() async throws {
      let workspace = try Workspace()
      let coarse = ["--sparsity", "0.0005", "--json", "--quiet"]
      let launched = try await Program.run(Workspace.smallRun + coarse, in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      let warnings = try #require(try object(launched.output)["warnings"] as? [String])
      #expect(warnings.count == 1 && warnings[0].contains("0.05 % asked, 0.00 % reached"), "\(warnings)")
      #expect(warnings[0].contains("allocation.round-to"))
      let finer = ["--overwrite", "--sparsity", "0.003", "--set", "allocation.round-to=1", "--json", "--quiet"]
      let better = try await Program.run(Workspace.smallRun + finer, in: workspace.path)
      #expect(better.code == 0, "\(better.errors)")
      #expect((try object(better.output)["warnings"] as? [String])?.isEmpty == true, "\(better.output)")
    }

    /// Ranks that have nothing to score are named before.
    @Test func idleRanks() async throws {
      let workspace = try Workspace()
      let arguments = ["score"] + Workspace.smallRun.dropFirst() + ["--sequences", "2", "--json"]
      let launched = try await Program.run(arguments, ranks: 3, in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      let idle = "2 calibration sequences for 3 ranks: rank 2 has none and waits; raise calibration.sequences"
      #expect(launched.errors.contains("warning: \(idle)"), "\(launched.errors)")
      let warnings = try #require(try object(launched.output)["warnings"] as? [String])
      #expect(warnings.contains { $0.hasPrefix(idle) }, "\(warnings)")
    }
  }
}

extension WrongInput {
  static let negative: [WrongInput] = [
    WrongInput("sparsity", 64, ["--sparsity -0.1", "0 or more and below 1"], flags: ["--sparsity", "-0.1"]),
    WrongInput("sequences", 64, ["--sequences -4", "1 or more"], flags: ["--sequences", "-4"]),
    WrongInput("gamma", 64, ["--gamma -1e5", "above 0"], flags: ["--gamma", "-1e5"]),
    WrongInput("seed", 64, ["--seed -1", "0 or more"], flags: ["--seed", "-1"]),
    WrongInput("infinite", 64, ["--sparsity -inf", "a number"], flags: ["--sparsity", "-inf"]),
    WrongInput("timeout", 64, ["--timeout -5", "from 1"], arguments: ["doctor", "--timeout", "-5"]),
    WrongInput("repeats", 64, ["--repeats -1", "from 1"], arguments: ["bench", "kernels", "--repeats", "-1"]),
    WrongInput(
      "link", 64, ["--link -2.0", "above 0"], arguments: ["estimate", "--model", Fixtures.demoModel, "--link", "-2"]),
    WrongInput("a folder with a dash", 66, ["-x does not exist"], arguments: ["prune", "--model", "-x"]),
    WrongInput("a flag", 64, ["--overwrite", "does not take any value"], flags: ["--overwrite", "-1"]),
    WrongInput("an option instead of a value", 64, ["missing value for '--sparsity"], flags: ["--sparsity", "--json"]),
  ]

  static let places: [WrongInput] = [
    WrongInput("run folder in the model by a link", 73, ["lies inside the model", "--run-folder"]) { workspace in
      let model = try workspace.linked("model")
      try workspace.folder.link("link", to: "model")
      return Workspace.smallRun(model: model) + ["--run-folder", "link/run"]
    },
    WrongInput("output in the model", 73, ["the output model/out lies inside the model", "--output"]) { workspace in
      Workspace.smallRun(model: try workspace.linked("model")) + ["--output", "model/out"]
    },
    WrongInput("model in the output by a link", 73, ["the model link lies inside the output", "--output"]) {
      workspace in
      try workspace.folder.makeFolder("all")
      _ = try workspace.linked("all/model")
      try workspace.folder.link("link", to: "all/model")
      return Workspace.smallRun(model: "link") + ["--output", "all", "--overwrite", "--run-folder", "run"]
    },
    WrongInput("output in the run's state", 73, ["where a run keeps its own"]) { _ in
      Workspace.smallRun + ["--run-folder", "run", "--output", "run/pruned"]
    },
    WrongInput("threads", 64, ["resources.threads: 100000 threads", "auto"], flags: ["--threads", "100000"]),
  ]
}
