import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

extension ProgramTests {
  /// Messages whose remedy works for the cause at hand.
  @Suite struct RemedyTests {
    /// A change of the demo's configuration and tensors, and what is said of it.
    struct Misfit: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let parts: [String]
      let configuration: String
      let change: @Sendable (inout [StoredTensor]) throws -> Void

      init(
        _ name: String, _ parts: String..., configuration: String = "{}",
        change: @escaping @Sendable (inout [StoredTensor]) throws -> Void = { _ in }
      ) {
        (testDescription, self.parts, self.configuration, self.change) = (name, parts, configuration, change)
      }
    }

    private static func rename(
      _ name: @escaping @Sendable (String) -> String
    ) -> @Sendable (inout [StoredTensor]) throws -> Void {
      { tensors in tensors = tensors.map { $0.renamed(name($0.name)) } }
    }

    private static func byte(_ name: String) throws -> StoredTensor {
      try StoredTensor(name: name, elementType: .uint8, shape: [1], bytes: [0])
    }

    static let misfits: [Misfit] = [
      Misfit(
        "tie_word_embeddings missing", "lm_head.weight", "\"tie_word_embeddings\": true",
        configuration: #"{"tie_word_embeddings": null}"#),
      Misfit("attention_bias missing", "k_proj.bias", "\"attention_bias\": true") { tensors in
        for layer in 0..<6 {
          for (name, width) in [("q", 128), ("k", 64), ("v", 64), ("o", 128)] {
            tensors.append(
              try StoredTensor(
                name: "model.layers.\(layer).self_attn.\(name)_proj.bias", elementType: .float32, shape: [width],
                values: [Float](repeating: 0, count: width)))
          }
        }
      },
      Misfit("another family's biases", "k_proj.bias", "alone", "\"model_type\"") { tensors in
        tensors.append(
          try StoredTensor(
            name: "model.layers.0.self_attn.k_proj.bias", elementType: .float32, shape: [1], values: [0]))
      },
      Misfit(
        "attention_bias too many", ".bias", "\"attention_bias\": false", configuration: #"{"attention_bias": true}"#),
      Misfit(
        "num_key_value_heads missing", "k_proj.weight", "\"num_key_value_heads\" (not given)",
        configuration: #"{"num_key_value_heads": null}"#),
      Misfit("fewer layers", "set \"num_hidden_layers\": 6", configuration: #"{"num_hidden_layers": 8}"#),
      Misfit("more layers", "set \"num_hidden_layers\": 6", configuration: #"{"num_hidden_layers": 4}"#),
      Misfit("another vocabulary", "\"vocab_size\"", configuration: #"{"vocab_size": 1025}"#),
      Misfit(
        "torch.compile", "have the prefix \"_orig_mod.\"", "rename the tensors without it",
        change: rename { "_orig_mod." + $0 }),
      Misfit("multimodal", "have the prefix \"language_model.\"", change: rename { "language_model." + $0 }),
      Misfit("base model", "lack the prefix \"model.\"", change: rename { String($0.dropFirst("model.".count)) }),
      Misfit(
        "another base name", "the prefix \"transformer.\" for \"model.\"",
        change: rename { "transformer." + $0.dropFirst("model.".count) }),
      Misfit("adapters", "merge_and_unload", "lora_A") { tensors in
        tensors.append(try byte("model.layers.0.self_attn.q_proj.lora_A.weight"))
      },
      Misfit(
        "GPTQ", "quantised with GPTQ", "quant_method \"gptq\"", "was made from",
        configuration: #"{"quantization_config": {"quant_method": "gptq", "bits": 4}}"#),
      Misfit("AWQ", "quantised with AWQ", configuration: #"{"quantization_config": {"quant_method": "awq"}}"#),
      Misfit("FP8", "quantised with FP8", configuration: #"{"quantization_config": {"quant_method": "fp8"}}"#),
      Misfit("MXFP4", "quantised with MXFP4", configuration: #"{"quantization_config": {"quant_method": "mxfp4"}}"#),
      Misfit(
        "bitsandbytes", "quantised with bitsandbytes",
        configuration: #"{"quantization_config": {"load_in_4bit": true}}"#),
      Misfit("GPTQ by names", "quantised (GPTQ", ".g_idx", "was made from") { tensors in
        tensors.removeAll { $0.name == "model.layers.1.mlp.up_proj.weight" }
        for part in ["qweight", "qzeros", "scales", "g_idx"] {
          tensors.append(try byte("model.layers.1.mlp.up_proj." + part))
        }
      },
      Misfit("FP8 by names", "quantised (FP8", "weight_scale_inv") { tensors in
        tensors.append(try byte("model.layers.1.mlp.up_proj.weight_scale_inv"))
      },
      Misfit("bitsandbytes by names", "quantised (bitsandbytes, 4 bits", "absmax") { tensors in
        let name = "model.layers.1.mlp.up_proj.weight"
        tensors = try tensors.map { $0.name == name ? try byte(name) : $0 }
        tensors.append(try byte(name + ".absmax"))
      },
      Misfit("compressed-tensors by names", "quantised (compressed-tensors") { tensors in
        tensors = tensors.map {
          $0.name == "model.layers.1.mlp.up_proj.weight" ? $0.renamed("model.layers.1.mlp.up_proj.weight_packed") : $0
        }
      },
    ]

    @Test(arguments: misfits) func weightsAndConfiguration(misfit: Misfit) async throws {
      let workspace = try Workspace()
      let changes = try object(misfit.configuration)
      let model = try workspace.model(configuration: { $0.merge(changes) { $1 } }, tensors: misfit.change)
      let launched = try await Program.run(["inspect", model], in: workspace.path)
      WrongInput.check(launched, code: 65, parts: misfit.parts, isLaunched: false)
    }

    /// What stands in the place of a file, the code, and what is said of it.
    static let mistaken: [(file: String, contents: [UInt8], code: Int32, parts: [String])] = [
      ("model.safetensors", lfsPointer, 65, ["Git LFS pointer", "git lfs pull"]),
      ("config.json", lfsPointer, 65, ["Git LFS pointer", "git lfs pull"]),
      ("tokenizer.json", lfsPointer, 65, ["Git LFS pointer", "git lfs pull"]),
      ("model.safetensors", [UInt8]("<!DOCTYPE html><html>404</html>".utf8), 65, ["a web page"]),
      ("model.safetensors", [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9], 65, ["save_pretrained"]),
      ("model.safetensors", [UInt8](repeating: 0, count: 4096), 65, ["begins with zeros", "get it again"]),
      ("config.json", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], 65, ["byte-order mark", "without one"]),
      ("config.json", [0xFF, 0xFE, 0x7B, 0, 0x7D, 0], 65, ["UTF-16", "save it as UTF-8"]),
      ("tokenizer.json", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], 65, ["byte-order mark", "without one"]),
      ("config.json", [], 65, ["the file is empty"]),
    ]

    private static let lfsPointer = [UInt8](
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 538090408\n".utf8)

    @Test(arguments: mistaken) func anotherFileInItsPlace(
      file: String, contents: [UInt8], code: Int32, parts: [String]
    ) async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: file) { _ in contents }
      let launched = try await Program.run(Workspace.smallRun(model: model), in: workspace.path)
      WrongInput.check(launched, code: code, parts: parts + [file], isLaunched: false)
    }

    /// A Hugging Face cache of which the snapshots were copied, and the blobs not.
    @Test(arguments: ["config.json", "model.safetensors", "tokenizer.json"], [nil, 2])
    func aLinkThatLeadsNowhere(file: String, ranks: Int?) async throws {
      let workspace = try Workspace()
      let model = try workspace.linked("model", leaving: [file])
      try workspace.folder.link("model/\(file)", to: "../../blobs/0f")
      let launched = try await Program.run(Workspace.smallRun(model: model), ranks: ranks, in: workspace.path)
      WrongInput.check(
        launched, code: 66, parts: [file, "a symbolic link to ../../blobs/0f", "leads nowhere", "cp -rL"],
        isLaunched: ranks != nil)
    }

    @Test(
      arguments: [
        (["adapter_config.json", "adapter_model.safetensors"], ["adapter", "merge_and_unload"]),
        (["model-00001-of-00002.safetensors"], ["no model.safetensors.index.json", "get that file too"]),
        (["consolidated.safetensors"], ["consolidated.safetensors", "rename it to model.safetensors"]),
        ([], ["get the model's weights too"]),
      ]) func weightsUnderAnotherName(files: [String], parts: [String]) async throws
    {
      let workspace = try Workspace()
      let model = try workspace.linked("model", leaving: ["model.safetensors"])
      for file in files { try workspace.folder.write("{}", to: "model/\(file)") }
      try await workspace.expectRefusal(of: model, code: 66, parts)
    }

    @Test(
      arguments: [
        (["tokenizer.model"], 66, ["tokenizer.model", "not read yet", "input_ids"]),
        (["vocab.json", "merges.txt"], 66, ["AutoTokenizer", "save_pretrained"]),
        ([], 66, ["No such file", "input_ids"]),
      ] as [([String], Int32, [String])])
    func noTokenizer(files: [String], code: Int32, parts: [String]) async throws {
      let workspace = try Workspace()
      let model = try workspace.linked("model", leaving: ["tokenizer.json"])
      for file in files { try workspace.folder.write("x", to: "model/\(file)") }
      let launched = try await Program.run(Workspace.smallRun(model: model), in: workspace.path)
      WrongInput.check(launched, code: code, parts: parts + ["tokenizer.json"], isLaunched: false)
      // The remedy works.
      let ids = try workspace.inputIDs("ids.safetensors", sequences: 4, tokens: 32, below: 1024)
      let run = Workspace.smallRun(model: model).map { $0 == Workspace.valid ? ids : $0 }
      #expect(try await Program.run(run, in: workspace.path).code == 0)
    }

    /// Llama 1 and 2: the model is read, its text has to come as tokens.
    @Test func aTokenizerOfSentencePiece() async throws {
      let workspace = try Workspace()
      let tokenizer =
        #"{"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]}, "#
        + #""model": {"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []}}"#
      let model = try workspace.model(replacing: "tokenizer.json") { _ in [UInt8](tokenizer.utf8) }
      let launched = try await Program.run(Workspace.smallRun(model: model), in: workspace.path)
      WrongInput.check(launched, code: 65, parts: ["tokenizer.json", "Prepend", "input_ids"], isLaunched: false)
    }

    @Test(
      arguments: [
        ("allocate", "scores.safetensors", "espalier score"), ("repack", "plan.json", "espalier allocate"),
        ("report", "report.json", "espalier prune"),
      ]) func anArtifactThatWasNotMade(verb: String, file: String, maker: String) async throws
    {
      let workspace = try Workspace()
      let arguments = verb == "report" ? ["report", "out.run"] : [verb] + Workspace.smallRun.dropFirst()
      let launched = try await Program.run(arguments, in: workspace.path)
      WrongInput.check(launched, code: 66, parts: ["out.run/\(file)", maker], isLaunched: false)
    }

    @Test func gatesAndTextThatWereNotMade() async throws {
      let workspace = try Workspace()
      let arguments = try await scored(in: workspace)
      #expect(try await Program.run(["allocate"] + arguments, in: workspace.path).code == 0)
      let gates = try await Program.run(
        ["repack"] + Workspace.smallRun.dropFirst() + ["--gates", "gates.safetensors"], in: workspace.path)
      WrongInput.check(
        gates, code: 66, parts: ["gates.safetensors", "espalier tune"], hasBegun: true, isLaunched: false)
      let text = try await Program.run(
        Workspace.smallRun.map { $0 == Workspace.valid ? "out.run/generated.safetensors" : $0 }, in: workspace.path)
      WrongInput.check(
        text, code: 66, parts: ["out.run/generated.safetensors", "espalier generate"], isLaunched: false)
    }

    private func scored(in workspace: Workspace) async throws -> [String] {
      let arguments = Array(Workspace.smallRun.dropFirst()) + ["--criterion", "magnitude"]
      #expect(try await Program.run(["score"] + arguments, in: workspace.path).code == 0)
      return arguments
    }
  }
}
