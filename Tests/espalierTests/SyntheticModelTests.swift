internal import Tensors
import Foundation
import Safetensors
import TestSupport
import Testing

extension ProgramTests {
  /// `scripts/synthetic-model`: a model that is inspected and scored without a tokenizer.
  @Suite struct SyntheticModelTests {
    static let script = Fixtures.repository + "/scripts/synthetic-model"

    /// One layer of the smallest shape in two weight files, its bytes decided by the seed.
    @Test func isScored() async throws {
      let workspace = try Workspace()
      let flags = "--layers 1 --shard-size 0.057 --calibration 3x8"
      let made = try await Program.shell(
        """
        set -e
        for name in one two; do "\(Self.script)" smollm2-135m $name \(flags) --seed 5; done
        "\(Self.script)" smollm2-135m other \(flags)
        for name in two other; do cmp -s one/model-00002-of-00002.safetensors $name/model-00002-of-00002.safetensors \
          && echo same || echo differs; done
        """, in: workspace.path)
      #expect(made.code == 0 && made.errors.isEmpty, "\(made.errors)")
      #expect(made.output.hasSuffix("\nsame\ndiffers\n"), "\(made.output)")
      let facts = try object(try await Program.run(["inspect", "one", "--json"], in: workspace.path).output)
      let parameters = 49_152 * 576 + 576 * (2 * 576 + 2 * 192 + 3 * 1536) + 3 * 576
      #expect(facts["parameters"] as? Int == parameters)
      #expect(facts["files"] as? Int == 2 && facts["layers"] as? Int == 1)
      #expect(facts["element_types"] as? [String] == ["BF16"] && facts["tied_embeddings"] as? Bool == true)

      let weights = try SafetensorsFile(path: workspace.folder.file("one/model-00002-of-00002.safetensors"))
      let query = try weights.tensor("model.layers.0.self_attn.q_proj.weight").floats()
      let squares: Float = query.reduce(0) { $0 + $1 * $1 }
      let deviation = (squares / Float(query.count)).squareRoot()
      #expect(abs(deviation - 0.0417) < 0.001)
      // No row is another one.
      let beginnings: [[Float]] = (0..<576).map { row in Array(query[row * 576..<row * 576 + 16]) }
      #expect(Set(beginnings).count == 576)
      #expect(try weights.tensor("model.norm.weight").floats().allSatisfy { $0 == 1 })

      let scored = try await Program.run(
        [
          "score", "--model", "one", "--calibration-text", "one/calibration.safetensors", "--sequences", "3",
          "--length", "8", "--run-folder", "run", "--quiet",
        ], in: workspace.path)
      #expect(scored.code == 0 && scored.errors.isEmpty, "\(scored.errors)")
      let scores = try SafetensorsFile(path: workspace.folder.file("run/scores.safetensors"))
      #expect(try scores.tensor("layers.0.mlp").floats().allSatisfy { $0 > 0 })
    }

    @Test(arguments: [
      ("llama-9 out", "invalid choice"), ("smollm2-135m out --layers 0", "at least 1 is needed"),
      ("smollm2-135m out --calibration 3", "SEQUENCESxTOKENS"), ("smollm2-135m .", "is not empty"),
      ("smollm2-135m out --tokenizer .", "no tokenizer.json"),
    ]) func isRefused(arguments: String, part: String) async throws {
      let workspace = try Workspace()
      try workspace.folder.write([1], to: "file")
      let made = try await Program.shell("\"\(Self.script)\" \(arguments)", in: workspace.path)
      #expect(made.code != 0 && made.errors.contains(part), "\(made.errors)")
      #expect(workspace.everything == ["file"])
    }
  }
}
