import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `bench scoring`: the demo has 6 layers of 196,608 weights, 8 query heads of 16, and 1,024 tokens of width 128.
  @Suite struct ScoringBenchTests {
    static let small = [
      "bench", "scoring", "--model", Fixtures.demoModel, "--sequences", "4", "--length", "16", "--threads", "1",
      "--repeats", "1",
    ]

    @Test(arguments: [nil, 2]) func json(ranks: Int?) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(Self.small + ["--quiet", "--json"], ranks: ranks, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      let facts = try object(launched.output)
      #expect(facts["tokens"] as? Int == 64 && facts["layers"] as? Int == 6 && facts["ranks"] as? Int == ranks ?? 1)
      #expect((facts["all_seconds"] as? [Double])?.count == 1 && (facts["sweep"] as? [Any])?.isEmpty == true)
      for key in ["seconds", "tokens_per_second", "seconds_per_layer", "peak_flops_per_second"] {
        #expect((facts[key] as? Double) ?? 0 > 0, "\(key)")
      }
      #expect((facts["peak_bytes"] as? Int) ?? 0 > 1_000_000)
      let flops = try #require(facts["flops"] as? [String: Any])
      let (weights, attention): (Double, Double) = (2 * 64 * 6 * 196_608, 4 * 6 * 128 * 4 * 136)
      #expect(flops["weights_forward"] as? Double == weights)
      #expect(flops["attention_forward"] as? Double == attention)
      let (needed, done) = (flops["needed"] as? Double ?? 0, flops["done"] as? Double ?? 0)
      let hardware = try #require(facts["hardware_flop_utilization"] as? Double)
      let model = try #require(facts["model_flop_utilization"] as? Double)
      #expect(hardware > 0 && hardware.isFinite && model > 0)
      #expect(abs(hardware / model - done / needed) < 1e-6)
      #expect(workspace.everything.isEmpty)
    }

    @Test func sweep() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(Self.small + ["--sweep", "--json"], in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      let sweep = try #require(try object(launched.output)["sweep"] as? [[String: Any]])
      #expect(sweep.compactMap { $0["over"] as? String } == ["sequences", "length", "layers"])
      let values = [[1, 2, 3, 4], [4, 8, 12, 16], [1, 3, 4, 6]]
      for (axis, expected) in zip(sweep, values) {
        let points = try #require(axis["points"] as? [[String: Any]])
        let key = try #require(axis["over"] as? String)
        #expect(points.compactMap { $0[key] as? Int } == expected)
        let fit = try #require(axis["fit"] as? [String: Any])
        #expect(fit["against"] as? String == (key == "layers" ? "layers" : "tokens"))
        #expect((fit["slope"] as? Double)?.isFinite == true && (fit["intercept"] as? Double)?.isFinite == true)
        #expect((fit["r_squared"] as? Double) ?? 2 <= 1)
      }
    }

    @Test func table() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        Self.small + ["--sweep", "--length", "2", "--sequences", "2"], in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      for row in [
        "\nwork         2 × 2 tokens, 6 layers, ntk, max-logit, signed\n", "\nutilization  ", " ms per layer, R² ",
      ] {
        #expect(launched.output.contains(row), "\(row): \(launched.output)")
      }
      // Sequences of two tokens have no shorter ones worth the name.
      #expect(launched.output.contains("\ntoo few sizes for a line\n"), "\(launched.output)")
      #expect(launched.output.split(separator: "\n").allSatisfy { $0.count <= 80 + Fixtures.demoModel.count })
      #expect(workspace.everything.isEmpty)
    }

    @Test(arguments: WrongInput.scoringBench, [nil, 2]) func wrong(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }
  }
}

extension WrongInput {
  private static let bench = ["bench", "scoring", "--model", Fixtures.demoModel]

  static let scoringBench: [WrongInput] = [
    WrongInput("no model", 64, ["--model"], arguments: ["bench", "scoring"]),
    WrongInput("no such model", 66, ["nowhere"], arguments: ["bench", "scoring", "--model", "nowhere"]),
    WrongInput("no passes", 64, ["--repeats 0", "from 1 to"], arguments: bench + ["--repeats", "0"]),
    WrongInput(
      "nothing to time", 64, ["magnitude", "ntk or taylor"], arguments: bench + ["--criterion", "magnitude"]),
    WrongInput("too little memory", 71, ["memory-limit"], arguments: bench + ["--memory-limit", "1MB"]),
  ]
}
