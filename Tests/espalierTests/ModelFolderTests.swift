import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The kinds of folder that models come in, and that the program leaves.
  @Suite struct ModelFolderTests {
    /// Hugging Face's cache: files are links to blobs with hashes for names. The output's name is the model's.
    @Test func cache() async throws {
      let workspace = try Workspace()
      let snapshot = "hub/models--someone--demo/snapshots/0123abcd"
      try workspace.folder.makeFolder(snapshot)
      try workspace.folder.makeFolder("hub/models--someone--demo/blobs")
      for (index, name) in try FileManager.default.contentsOfDirectory(atPath: Fixtures.demoModel).enumerated() {
        try workspace.folder.write(
          TemporaryFolder.bytes(of: "\(Fixtures.demoModel)/\(name)"), to: "hub/models--someone--demo/blobs/\(index)f")
        try workspace.folder.link("\(snapshot)/\(name)", to: "../../blobs/\(index)f")
      }
      let arguments = Workspace.smallRun(model: snapshot)
      let launched = try await Program.run(
        arguments.filter { $0 != "--output" && $0 != "out" }, ranks: 2, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      #expect(workspace.folder.names == ["demo-pruned", "demo-pruned.run", "hub"])
      let plain = try await Program.run(Workspace.smallRun, in: workspace.path)
      #expect(plain.code == 0)
      #expect(try workspace.files(of: "demo-pruned") == workspace.files(of: "out"))
      // Files carried over are files, not links into the cache.
      let attributes = try FileManager.default.attributesOfItem(
        atPath: workspace.folder.file("demo-pruned/tokenizer.json"))
      #expect(attributes[.type] as? FileAttributeType == .typeRegular)
    }

    /// A model in shards, without a tokenizer, scored on token ids; and pruned into shards again.
    @Test(arguments: [nil, 3]) func shards(ranks: Int?) async throws {
      let workspace = try Workspace()
      let ids = try workspace.inputIDs("ids.safetensors", sequences: 5, tokens: 24, below: 256)
      let launched = try await Program.run(
        [
          "prune", "--model", Fixtures.model("tiny-llama-sharded"), "--output", "out", "--calibration-text", ids,
          "--sequences", "5", "--evaluation-text", ids, "--window", "24", "--set", "repacking.shard-size=100kB",
        ], ranks: ranks, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let inspected = try await Program.run(["inspect", "out", "--json"], in: workspace.path)
      #expect(try #require(try object(inspected.output)["files"] as? Int) > 3)
      #expect(workspace.everything.contains("out/model.safetensors.index.json"))
    }

    /// What was pruned is a model like any other: with layers of unequal shape, it can be pruned again.
    @Test func prunedAgain() async throws {
      let workspace = try Workspace()
      let first = try await Program.run(
        Workspace.smallRun + ["--set", "repacking.shard-size=500kB"], in: workspace.path)
      try #require(first.code == 0, "\(first.errors)")
      let configuration = try object(String(decoding: workspace.folder.read("out/config.json"), as: UTF8.self))
      #expect(configuration["per_layer_config"] != nil && configuration["auto_map"] != nil)
      #expect(workspace.everything.contains("out/modeling_espalier_llama.py"))
      let second = try await Program.run(
        Workspace.smallRun(model: "out") + [
          "--output", "twice", "--evaluation-text", Workspace.valid, "--limit", "2", "--window", "64",
        ],
        ranks: 2, in: workspace.path)
      try #require(second.code == 0, "\(second.errors)")
      var sizes: [Int] = []
      for model in [Fixtures.demoModel, "out", "twice"] {
        let inspected = try await Program.run(["inspect", model, "--json"], in: workspace.path)
        sizes.append(try #require(try object(inspected.output)["prunable_parameters"] as? Int))
      }
      #expect(
        abs(Double(sizes[1]) / Double(sizes[0]) - 0.7) < 0.01 && abs(Double(sizes[2]) / Double(sizes[1]) - 0.7) < 0.01)
    }

    /// Layers of one shape need no code of ours: the folder is the family's own.
    @Test func uniformIsNative() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        Workspace.smallRun + [
          "--method", "uniform", "--sparsity", "0.5", "--gamma", "1", "--set", "repacking.layout=native",
        ],
        in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let configuration = try object(String(decoding: workspace.folder.read("out/config.json"), as: UTF8.self))
      #expect(configuration["auto_map"] == nil && configuration["per_layer_config"] == nil)
      #expect(configuration["architectures"] as? [String] == ["LlamaForCausalLM"])
      #expect(configuration["num_key_value_heads"] as? Int == 2 && configuration["num_attention_heads"] as? Int == 4)
      #expect(configuration["head_dim"] as? Int == 16)
      #expect((configuration["pruned_by"] as? [String: Any])?["espalier"] as? String == "0.1.0")
      #expect(!workspace.everything.contains { $0.hasSuffix(".py") })
    }

    /// An output that is there is replaced only when asked; what a killed write left is taken.
    @Test func existingOutput() async throws {
      let workspace = try Workspace()
      #expect(try await Program.run(Workspace.smallRun, in: workspace.path).code == 0)
      let files = try workspace.files(of: "out")
      #expect(try await Program.run(Workspace.smallRun, in: workspace.path).code == 73)
      #expect(try workspace.files(of: "out") == files)
      let replaced = try await Program.run(Workspace.smallRun + ["--overwrite"], ranks: 2, in: workspace.path)
      #expect(replaced.code == 0, "\(replaced.errors)")
      #expect(try workspace.files(of: "out") == files)
    }
  }
}
