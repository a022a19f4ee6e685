import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What stands beside a model and is not true of the smaller one does not go along.
  @Suite struct CarriedFilesTests {
    static let untrue = [
      "adapter_config.json", "configuration_llama.py", "modeling_llama.py", "model.safetensors.index.json.bak",
      "params.json", "quantize_config.json", "trainer_state.json",
    ]

    /// The dense model's files as people keep them, a pruned folder of it, and one line of what stayed behind.
    @Test(arguments: [["--method", "uniform", "--sparsity", "0.5", "--gamma", "1"], ["--method", "global"]])
    func leftBehind(options: [String]) async throws {
      let workspace = try Workspace()
      let model = try workspace.model { configuration in
        configuration["custom_pipelines"] = ["mine": ["impl": "pipeline.Mine"]]
        configuration["pruned_heads"] = ["0": [1]]
        configuration["_name_or_path"] = "someone/demo"
        configuration["auto_map"] = ["AutoModelForCausalLM": "someone/demo--modeling_llama.LlamaForCausalLM"]
      }
      for name in Self.untrue + ["LICENSE", "special_tokens_map.json"] {
        try workspace.folder.write("{}", to: "model/\(name)")
      }
      let launched = try await Program.run(
        NativeLayoutTests.run("prune", "out", model: model) + options, ranks: 2, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let isNative = options.contains("uniform")
      let code = isNative ? [] : ["configuration_espalier_llama.py", "modeling_espalier_llama.py"]
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file("out")).sorted()
          == ([
            "LICENSE", "config.json", "generation_config.json", "model.safetensors", "special_tokens_map.json",
            "tokenizer.json", "tokenizer_config.json",
          ] + code).sorted())
      let configuration = try object(String(decoding: workspace.folder.read("out/config.json"), as: UTF8.self))
      for key in ["custom_pipelines", "pruned_heads", "_name_or_path"] { #expect(configuration[key] == nil) }
      let map = configuration["auto_map"] as? [String: String]
      #expect(
        map?["AutoModelForCausalLM"] == (isNative ? nil : "modeling_espalier_llama.EspalierLlamaForCausalLM"))
      #expect(configuration["initializer_range"] as? Double == 0.02)
      // Four keys and seven files.
      #expect(
        launched.ownLines.filter { $0.hasPrefix("not carried over") } == [
          "not carried over, since it need not be true of the new model: adapter_config.json, configuration_llama.py, "
            + "model.safetensors.index.json.bak, modeling_llama.py, params.json and 6 more"
        ])
      let plain = try await Program.run(NativeLayoutTests.run("prune", "plain") + options, in: workspace.path)
      #expect(!plain.errors.contains("not carried over"))
    }

    /// A folder that is replaced keeps nothing that a loader would take for the new model's.
    @Test func replacedOutput() async throws {
      let workspace = try Workspace()
      try workspace.folder.makeFolder("out")
      for name in ["adapter_config.json", "chat_template.jinja", "added_tokens.json", "config.json", "notes.txt"] {
        try workspace.folder.write("{}", to: "out/\(name)")
      }
      let launched = try await Program.run(
        NativeLayoutTests.run("prune", "out") + ["--overwrite"], in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file("out"))
      #expect(
        names.filter { !$0.hasSuffix(".py") }.sorted() == [
          "config.json", "generation_config.json", "model.safetensors", "notes.txt", "tokenizer.json",
          "tokenizer_config.json",
        ])
    }
  }
}
