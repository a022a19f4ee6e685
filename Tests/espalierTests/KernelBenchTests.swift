import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `bench kernels`: what it measures is not asserted, that it measures every kernel is.
  @Suite struct KernelBenchTests {
    static let small = ["bench", "kernels", "--tokens", "16", "--repeats", "1", "--threads", "1"]

    @Test(arguments: [nil, 2]) func json(ranks: Int?) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        Self.small + ["--model", Fixtures.demoModel, "--json"], ranks: ranks, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      let facts = try object(launched.output)
      #expect(facts["tokens"] as? Int == 16 && facts["threads"] as? Int == 1 && facts["ranks"] as? Int == ranks ?? 1)
      let peak = try #require((facts["peak"] as? [String: Any])?["flops_per_second"] as? Double)
      let bandwidth = try #require((facts["bandwidth"] as? [String: Any])?["bytes_per_second"] as? Double)
      #expect(peak > 0 && bandwidth > 0)
      let models = try #require(facts["models"] as? [[String: Any]])
      let kernels = try #require(models.first?["kernels"] as? [[String: Any]])
      #expect(models.count == 1 && models[0]["name"] as? String == Fixtures.demoModel)
      for kernel in kernels {
        let (seconds, share) = (kernel["seconds"] as? Double ?? 0, kernel["share"] as? Double ?? 0)
        #expect(seconds > 0 && share > 0 && share.isFinite, "\(kernel)")
        // What is counted, what it took and what it is a share of fit together.
        if let work = kernel["flops"] as? Double {
          #expect(abs(work / seconds / peak - share) < 1e-6 * share, "\(kernel)")
        } else {
          let bytes = try #require(kernel["bytes"] as? Double)
          #expect(abs(bytes / seconds / bandwidth - share) < 1e-6 * share, "\(kernel)")
        }
      }
      let names = Set(kernels.compactMap { $0["name"] as? String })
      #expect(
        names.isSuperset(of: [
          "q o", "k v", "gate up", "down", "head", "attention", "RMSNorm", "rotary embedding", "SwiGLU",
          "saliency of rows", "saliency of columns", "cross-entropy", "largest logits", "widen bf16", "check bf16",
        ]), "\(names)")
      let directions = kernels.filter { $0["name"] as? String == "gate up" }.compactMap { $0["direction"] as? String }
      #expect(directions == ["forward", "backward", "weight_gradient"])
      let gate = try #require(kernels.first { $0["name"] as? String == "gate up" })
      #expect(gate["shape"] as? [Int] == [16, 128, 384] && gate["flops"] as? Double == 1_572_864)
      let norm = try #require(kernels.first { $0["name"] as? String == "RMSNorm" })
      #expect(norm["bytes"] as? Double == 16_384)
      #expect(workspace.everything.isEmpty)
    }

    @Test func table() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(Self.small + ["--model", Fixtures.demoModel], in: workspace.path)
      #expect(launched.code == 0 && launched.errors.isEmpty, "\(launched.errors)")
      for row in [
        "\npeak       ", "\nbandwidth  ", "\ntokens     16; ", "\nq o ", "\nSwiGLU ", "128 → 384", "16 × 384",
      ] {
        #expect(launched.output.contains(row), "\(row): \(launched.output)")
      }
      #expect(launched.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test(arguments: WrongInput.kernels, [nil, 2]) func wrong(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }
  }
}

extension WrongInput {
  static let kernels: [WrongInput] = [
    WrongInput("no tokens", 64, ["--tokens 0", "1 to 16384"], arguments: ["bench", "kernels", "--tokens", "0"]),
    WrongInput("no repeats", 64, ["--repeats 0"], arguments: ["bench", "kernels", "--repeats", "0"]),
    WrongInput("no such model", 66, ["nowhere"], arguments: ["bench", "kernels", "--model", "nowhere"]),
    WrongInput(
      "an unknown key", 64, ["resources.thread"], arguments: ["bench", "kernels", "--set", "resources.thread=1"]),
    WrongInput("threads that are none", 64, ["--threads none"], arguments: ["bench", "kernels", "--threads", "none"]),
  ]
}
