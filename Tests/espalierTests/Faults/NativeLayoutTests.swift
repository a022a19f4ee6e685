import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// A layout `native` that would not load, or that the model cannot have, is refused before any work.
  @Suite struct NativeLayoutTests {
    static let native = ["--set", "repacking.layout=native"]

    /// Leaves 6 heads at a hidden width of 128, which LlamaConfig refuses.
    static let sixHeads = ["--method", "uniform", "--gamma", "1", "--sparsity", "0.3"]
    static let reason = "6 attention heads do not divide hidden_size (128), as LlamaConfig requires"

    /// Scores that cost nothing.
    static func run(_ verb: String, _ output: String, model: String = Fixtures.demoModel) -> [String] {
      [verb, "--model", model, "--output", output, "--criterion", "magnitude"]
    }

    @Test(arguments: ["prune", "estimate", "allocate", "select"], [nil, 2])
    func toldByEveryVerb(verb: String, ranks: Int?) async throws {
      try await WrongInput(
        verb, 64, ["repacking.layout: native: \(Self.reason)", "set allocation.gamma: 1.5, or another"],
        arguments: (verb == "prune" ? Workspace.smallRun : Self.run(verb, "out")) + Self.sixHeads + Self.native
      ).check(ranks: ranks)
    }

    /// What the refusal says to set helps.
    @Test func adviceHelps() async throws {
      let workspace = try Workspace()
      let gamma = ["--method", "uniform", "--gamma", "1.5", "--sparsity", "0.3"]
      for (output, options) in [
        ("gamma", gamma + Self.native),
        ("sparsity", ["--method", "uniform", "--gamma", "1", "--sparsity", "0.5"] + Self.native),
        ("auto", Self.sixHeads),
      ] {
        let launched = try await Program.run(Self.run("prune", output) + options, in: workspace.path)
        try #require(launched.code == 0, "\(launched.errors)")
        let configuration = try object(String(decoding: workspace.folder.read("\(output)/config.json"), as: UTF8.self))
        #expect(128 % (try #require(configuration["num_attention_heads"] as? Int)) == 0)
        #expect((configuration["per_layer_config"] != nil) == (output == "auto"))
        let lines = launched.ownLines.filter { $0.contains("layout") }
        #expect(
          lines
            == (output == "auto" ? ["layout per-layer, though the layers end with one shape: \(Self.reason)"] : []))
      }
    }

    /// Layers that differ already stay different, whatever is removed, and whether or not anything is.
    @Test func layersThatDifferAlready() async throws {
      let workspace = try Workspace()
      #expect(try await Program.run(Self.run("prune", "uneven"), in: workspace.path).code == 0)
      let before = workspace.everything
      for (arguments, part) in [
        (
          Self.run("prune", "out", model: "uneven") + ["--method", "uniform"],
          "this model's differ already; set repacking.layout: per-layer, or auto"
        ),
        (
          [
            "recover", "--model", "uneven", "--output", "out", "--set", "recovery.text=\(Workspace.valid)", "--set",
            "recovery.steps=100000", "--set", "recovery.objective=loss",
          ], "it needs layers of one shape"
        ),
        (Self.run("repack", "out") + ["--plan", "uneven.run/plan.json"], "which this plan does not leave"),
      ] {
        let launched = try await Program.run(arguments + Self.native, in: workspace.path)
        WrongInput.check(launched, code: 64, parts: ["repacking.layout: native", part], isLaunched: false)
        #expect(workspace.everything == before)
      }
    }

    /// A plan that is there already.
    @Test(arguments: [nil, 2]) func planThatDoesNotFitTheLayout(ranks: Int?) async throws {
      let workspace = try Workspace()
      #expect(try await Program.run(Self.run("prune", "out") + Self.sixHeads, in: workspace.path).code == 0)
      let before = workspace.everything
      let repack = Self.run("repack", "new/out") + ["--plan", "out.run/plan.json"]
      let launched = try await Program.run(repack + Self.native, ranks: ranks, in: workspace.path)
      WrongInput.check(
        launched, code: 64, parts: ["native: \(Self.reason); set repacking.layout: per-layer, or auto"],
        isLaunched: ranks != nil)
      #expect(workspace.everything == before)
      #expect(try await Program.run(repack, ranks: ranks, in: workspace.path).code == 0)
      #expect(try workspace.folder.read("new/out/config.json") == workspace.folder.read("out/config.json"))
    }
  }
}
