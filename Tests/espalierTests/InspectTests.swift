import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite struct InspectTests {
    @Test func text() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["inspect", Fixtures.demoModel], in: workspace.path)
      #expect(launched.code == 0 && launched.errors.isEmpty)
      for row in [
        "parameters           1,312,384\n", "size                 2.6 MB\n", "element types        BF16\n",
        "key-value heads      4 per layer, 24 in all\n", "neurons              384 per layer, 2,304 in all\n",
        "prunable parameters  1,179,648\n", "MLP to attention     3.000 (the default gamma)\n",
        "tokenizer            1,024 tokens\n",
      ] { #expect(launched.output.contains(row), "\(row)\(launched.output)") }
      #expect(workspace.everything.isEmpty)
    }

    @Test func json() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["inspect", Fixtures.demoModel, "--json"], in: workspace.path)
      #expect(launched.code == 0 && launched.errors.isEmpty)
      let facts = try object(launched.output)
      #expect(facts["parameters"] as? Int == 1_312_384)
      #expect(facts["element_types"] as? [String] == ["BF16"])
      #expect(facts["key_value_heads"] as? [Int] == Array(repeating: 4, count: 6))
      #expect(facts["neurons"] as? [Int] == Array(repeating: 384, count: 6))
      #expect(facts["tied_embeddings"] as? Bool == true)
      #expect(facts["tokenizer_size"] as? Int == 1024)
      #expect(facts["gamma"] as? Double == 3)
    }

    /// A model without tokenizer.json, and under a launcher: told once.
    @Test func withoutTokenizer() async throws {
      let workspace = try Workspace()
      let model = Fixtures.model("tiny-llama-sharded")
      let launched = try await Program.run(["inspect", model], ranks: 2, in: workspace.path)
      #expect(launched.code == 0)
      #expect(launched.output.contains("tokenizer            none (no tokenizer.json)"))
      #expect(launched.output.contains("files                5\n"))
      #expect(launched.output.split(separator: "\n").filter { $0.hasPrefix("parameters") }.count == 1)
      let json = try await Program.run(["inspect", model, "--json"], in: workspace.path)
      #expect(try object(json.output)["tokenizer_size"] is NSNull)
    }
  }
}
