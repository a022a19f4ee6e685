import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Cuts in depth, and gates that open more than one unit.
  @Suite struct DepthTests {
    private static let evaluation = ["--evaluation-text", Workspace.valid, "--limit", "4", "--window", "64"]

    /// The tuning of a few steps, without which three would take a minute.
    private static let tuning = [
      "--set", "tuning.steps=3", "--set", "tuning.length=32", "--set", "tuning.validation=4",
      "--set", "tuning.learning-rate=0.5",
    ]

    private static func plan(_ output: String, in workspace: Workspace) throws -> (
      layers: [(attention: [Int], mlp: [Int])], plan: [String: Any]
    ) {
      let plan = try object(String(decoding: workspace.folder.read("\(output).run/plan.json"), as: UTF8.self))
      let layers = try #require(plan["layers"] as? [[String: [Int]]])
      return (try layers.map { (try #require($0["attention"]), try #require($0["mlp"])) }, plan)
    }

    private static func report(_ arguments: [String], ranks: Int, in workspace: Workspace) async throws -> [String: Any]
    {
      let launched = try await Program.run(arguments + ["--json", "--quiet"], ranks: ranks, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      return try object(launched.output)
    }

    private static func perplexity(_ report: [String: Any], _ key: String) throws -> Double {
      try #require((report["perplexity"] as? [String: Any])?[key] as? Double)
    }

    private static func expectWholeSublayers(_ layers: [(attention: [Int], mlp: [Int])]) {
      #expect(layers.count == 6 && layers[0].attention.count == 4)
      #expect(layers.allSatisfy { [0, 4].contains($0.attention.count) && [0, 384].contains($0.mlp.count) })
      #expect(layers.contains { $0.attention.isEmpty || $0.mlp.isEmpty })
    }

    /// What is written is what the mask was, for a model with absent sublayers too.
    @Test func depth() async throws {
      let workspace = try Workspace()
      let whole = try await Self.report(
        Workspace.smallRun + Self.evaluation + ["--method", "depth"], ranks: 2, in: workspace)
      let (layers, plan) = try Self.plan("out", in: workspace)
      Self.expectWholeSublayers(layers)
      // Half of an MLP is 6.3 % of the demo's prunable parameters.
      #expect(abs(try #require(plan["achieved_sparsity"] as? Double) - 0.3) < 0.063)
      #expect((plan["allocation"] as? [String: Any])?["method"] as? String == "depth")
      let options = Self.evaluation + ["--threads", "1"]
      let written = try await Self.report(["evaluate", "--model", "out"] + options, ranks: 1, in: workspace)
      let masked = try await Self.report(
        ["evaluate", "--model", Fixtures.demoModel, "--plan", "out.run/plan.json"] + options, ranks: 2, in: workspace)
      let after = try Self.perplexity(whole, "after")
      #expect(try after > Self.perplexity(whole, "before"))
      #expect(abs(try Self.perplexity(written, "before") / after - 1) < 1e-6)
      #expect(abs(try Self.perplexity(masked, "after") / after - 1) < 1e-4)
    }

    /// What the layers' width leaves beside whole blocks goes first: 384 is 4 · 80 + 64.
    @Test(arguments: [("sublayer", 64), ("block", 64), ("block", 80)])
    func tuning(granularity: String, block: Int) async throws {
      let workspace = try Workspace()
      let isDepth = granularity == "sublayer"
      _ = try await Self.report(
        Workspace.smallRun + Self.evaluation + Self.tuning + [
          "--method", isDepth ? "depth" : "global", "--set", "tuning.granularity=\(granularity)",
          "--set", "tuning.block=\(block)",
        ], ranks: 2, in: workspace)
      let (layers, plan) = try Self.plan("out", in: workspace)
      let achieved = try #require(plan["achieved_sparsity"] as? Double)
      if isDepth {
        Self.expectWholeSublayers(layers)
        #expect(abs(achieved - 0.3) < 0.063)
      } else {
        // Half a block of 80 neurons is 1.3 %.
        #expect(abs(achieved - 0.3) < 0.03)
        #expect(layers.contains { $0.mlp.count < 384 })
        for layer in layers {
          let kept = Set(layer.mlp)
          #expect(!layer.attention.isEmpty && (kept.count == 384 || kept.count.isMultiple(of: block)))
          for first in stride(from: 0, to: 384, by: block) {
            let units = first..<min(384, first + block)
            #expect(kept.isSuperset(of: units) || kept.isDisjoint(with: units))
          }
        }
      }
      let inspected = try await Program.run(["inspect", "out", "--json"], in: workspace.path)
      #expect(inspected.code == 0, "\(inspected.errors)")
    }

    /// What gates learn folds into a shallower model by the verb too, and gates have to fit the allocation.
    @Test func gatesByHand() async throws {
      let workspace = try Workspace()
      let options = Workspace.smallRun + Self.tuning + ["--method", "depth"]
      let refused = try await Program.run(options, in: workspace.path)
      #expect(refused.code == 64 && refused.errors.contains("set tuning.granularity: sublayer"), "\(refused.errors)")
      let depth = options + ["--set", "tuning.granularity=sublayer"]
      let whole = try await Program.run(depth, in: workspace.path)
      try #require(whole.code == 0, "\(whole.errors)")
      let repacked = try await Program.run(
        ["repack"] + depth.dropFirst() + [
          "--plan", "out.run/plan.json", "--gates", "out.run/gates.safetensors", "--output", "again",
        ], ranks: 2, in: workspace.path)
      #expect(repacked.code == 0, "\(repacked.errors)")
      #expect(try workspace.folder.read("again/model.safetensors") == workspace.folder.read("out/model.safetensors"))
    }
  }
}
