import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

extension ProgramTests {
  /// The real model's scores against PyTorch's, from one, two and three ranks that the launcher started.
  @Suite(.serialized) struct SmolLM2RankTests {
    @Test(.enabled(if: Fixtures.smolLM2 != nil), arguments: [1, 2, 3])
    func scores(ranks: Int) async throws {
      let workspace = try Workspace()
      let model = try #require(Fixtures.smolLM2)
      let launched = try await Program.run(
        [
          "score", "--model", model, "--calibration-text", Fixtures.path("golden/nirvana-smollm2-135m.safetensors"),
          "--run-folder", "out.run", "--threads", "1", "--set", "resources.weights=owner",
          "--set", "resources.compute=f32",
        ], ranks: ranks, in: workspace.path, timeLimit: 900)
      try #require(launched.code == 0, "\(launched.errors)")
      let scores = try SafetensorsFile(path: workspace.folder.file("out.run/scores.safetensors"))
      let golden = try Fixtures.golden("nirvana-smollm2-135m")
      for (pool, name) in [("attention", "heads"), ("mlp", "neurons")] {
        let ours = try (0..<30).flatMap { try scores.tensor("layers.\($0).\(pool)").floats() }
        let difference = largestRelativeDifference(ours, try golden.tensor("max-logit.\(name)").floats())
        #expect(difference < 1e-3, "\(name): \(difference)")
      }
    }
  }
}
