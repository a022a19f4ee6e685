import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

extension ProgramTests {
  /// Two places of a folder that say the same thing: where they agree, the copy is dropped; where they do not, no one of
  /// them is taken in silence. The numbers are transformers 5.23's.
  @Suite struct TwoSourcesTests {
    private static let dense = 9.874317570239413
    private static let untied = 1_077_327.6320936645
    private static let linear = 26.65277156226749
    private static let withoutTwo = 12.248548545250204

    private static let (embedding, head) = ("model.embed_tokens.weight", "lm_head.weight")

    @Test func aTiedMatrixStoredTwice() async throws {
      let copied = try Workspace()
      let model = try copied.model { $0.append(try tensor(Self.embedding, of: $0).renamed(Self.head)) }
      #expect(abs(try await copied.perplexity(of: model).value / Self.dense - 1) < 1e-4)

      let widened = try Workspace()
      let wide = try widened.model {
        let own = try tensor(Self.embedding, of: $0)
        $0.append(
          try StoredTensor(name: Self.head, elementType: .float32, shape: own.shape, values: own.floats()))
      }
      #expect(abs(try await widened.perplexity(of: wide).value / Self.dense - 1) < 1e-4)

      let different = try Workspace()
      let parts = [Self.head, Self.embedding, "tie_word_embeddings", "set it to false", "model.safetensors"]
      let other = try different.model { tensors in
        let own = try tensor(Self.embedding, of: tensors)
        let (rows, width) = (own.shape.dimensions[0], own.shape.dimensions[1])
        let values = try own.floats()
        let flipped = (0..<rows).flatMap { row in values[(rows - 1 - row) * width..<(rows - row) * width] }
        tensors.append(
          try StoredTensor(name: Self.head, elementType: own.elementType, shape: own.shape, values: flipped))
      }
      try await different.expectRefusal(of: other, parts)
      // The remedy works.
      var configuration = try object(String(decoding: different.folder.read("model/config.json"), as: UTF8.self))
      configuration["tie_word_embeddings"] = false
      try different.folder.write(
        [UInt8](JSONSerialization.data(withJSONObject: configuration)), to: "model/config.json")
      #expect(abs(try await different.perplexity(of: other).value / Self.untied - 1) < 1e-4)
    }

    /// One row that was trained later is enough.
    @Test func aTiedMatrixWithOneOtherNumber() async throws {
      let workspace = try Workspace()
      let model = try workspace.model { tensors in
        let own = try tensor(Self.embedding, of: tensors)
        var values = try own.floats()
        values[values.count / 3] += 1
        tensors.append(
          try StoredTensor(name: Self.head, elementType: own.elementType, shape: own.shape, values: values))
      }
      try await workspace.expectRefusal(of: model, [Self.head, "differs from \"\(Self.embedding)\""])
    }

    @Test(arguments: [
      #"{"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": null, "rope_theta": 10000.0}"#,
      #"{"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}}"#,
      #"{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 2.0}}"#,
      #"{"rope_parameters": {}, "rope_scaling": {"rope_type": "linear", "type": "linear", "factor": 2.0}}"#,
    ])
    func rotaryScalingsThatAgree(keys: String) async throws {
      let workspace = try Workspace()
      let changes = try object(keys)
      let model = try workspace.model(configuration: { $0.merge(changes) { $1 } })
      #expect(abs(try await workspace.perplexity(of: model).value / Self.linear - 1) < 1e-4)
    }

    @Test(
      arguments: [
        (#"{"rope_scaling": {"type": "linear", "factor": 2.0}}"#, ["rope_scaling", "linear", "rope_parameters"]),
        (#"{"rope_theta": 500000.0}"#, ["rope_theta", "500000", "rope_parameters.rope_theta", "10000"]),
        (
          #"{"rope_scaling": {"type": "linear", "rope_type": "llama3", "factor": 2.0}}"#,
          ["rope_scaling.type", "llama3"]
        ),
        (#"{"rope_scaling": {"type": "default", "rope_theta": 20000}}"#, ["rope_scaling.rope_theta", "10000"]),
        (
          #"{"per_layer_config": {"1": {"intermediate_size": 8}, "01": {"intermediate_size": 9}}}"#,
          ["\"01\"", "\"1\""]
        ),
        (#"{"per_layer_config": {"1": {"intermediate_size": 8, "skip": ["mlp"]}}}"#, ["intermediate_size", "skip"]),
        (#"{"per_layer_config": {"1": {"skip": ["moe"]}}}"#, ["per_layer_config.1.skip", "\"moe\""]),
        (#"{"per_layer_config": {"1": {"hidden_act": "gelu"}}}"#, ["per_layer_config.1.hidden_act", "gelu"]),
      ]) func keysThatDisagree(keys: String, parts: [String]) async throws
    {
      let workspace = try Workspace()
      let changes = try object(keys)
      try await workspace.expectRefusal(
        of: try workspace.model(configuration: { $0.merge(changes) { $1 } }), parts + ["model/config.json"])
      let estimated = try await Program.run(
        ["estimate", "--model", "model"] + EstimateTests.machines, in: workspace.path)
      #expect(estimated.code == 65 && parts.allSatisfy(estimated.errors.contains), "\(estimated.errors)")
    }

    @Test func anEstimateByTwoTypes() async throws {
      let workspace = try Workspace()
      _ = try workspace.model(configuration: { $0["torch_dtype"] = "float32" })
      let launched = try await Program.run(
        ["estimate", "--model", "model"] + EstimateTests.machines, in: workspace.path)
      WrongInput.check(launched, code: 65, parts: ["torch_dtype", "float32", "bfloat16"], isLaunched: false)
    }

    /// transformers pads the keys of `per_layer_config` when it saves, and has `skip` for what a layer does not have.
    @Test(arguments: [
      #"{"02": {"skip": ["mlp"]}, "04": {"skip": ["attention"]}}"#,
      #"{"2": {"intermediate_size": 0}, "4": {"num_attention_heads": 0, "num_key_value_heads": 0}}"#,
      #"{"2": {"skip": ["mlp"], "intermediate_size": 384}, "02": {"skip": ["mlp"], "intermediate_size": 384}, "0004": {"skip": ["attention"], "num_attention_heads": 8, "num_key_value_heads": 0}, "5": {"hidden_size": 128}}"#,
    ])
    func skippedSublayers(perLayer: String) async throws {
      let workspace = try Workspace()
      let entries = try object(perLayer)
      let model = try workspace.model(configuration: { $0["per_layer_config"] = entries }) { tensors in
        tensors.removeAll { $0.name.hasPrefix("model.layers.2.mlp.") || $0.name.hasPrefix("model.layers.4.self_attn.") }
        // The norm before a sublayer may have stayed.
        if perLayer.contains("0004") { return }
        tensors.removeAll { $0.name == "model.layers.2.post_attention_layernorm.weight" }
      }
      #expect(abs(try await workspace.perplexity(of: model).value / Self.withoutTwo - 1) < 1e-4)
      // What was read is written as what it is.
      let pruned = try await Program.run(Workspace.smallRun(model: model), in: workspace.path)
      #expect(pruned.code == 0, "\(pruned.errors)")
      let inspected = try await Program.run(["inspect", "out", "--json"], in: workspace.path)
      #expect(inspected.code == 0, "\(inspected.errors)")
    }

    @Test func aKeyThatStandsTwice() async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: "config.json") { bytes in
        [UInt8](#"{"rms_norm_eps": 0.5, "hidden_size": 128,"#.utf8) + bytes.drop { $0 != 0x7B }.dropFirst()
      }
      let (value, launched) = try await workspace.perplexity(of: model)
      #expect(abs(value / Self.dense - 1) < 1e-4)
      let warnings = launched.ownLines.filter { $0.contains("warning") }
      #expect(warnings.count == 1 && warnings[0].contains("\"rms_norm_eps\" stands twice"), "\(launched.errors)")
      let inspected = try await Program.run(["inspect", model, "--json"], in: workspace.path)
      #expect((try object(inspected.output)["warnings"] as? [String])?.count == 1)
    }

    /// A single file beside the shards of an index, as conversions leave them.
    @Test func oneFileBesideShards() async throws {
      let workspace = try Workspace()
      let model = try workspace.model { _ in }
      let file = try SafetensorsFile(path: "\(Fixtures.demoModel)/model.safetensors")
      let halves = [Array(file.names.prefix(20)), Array(file.names.dropFirst(20))]
      var map: [String: String] = [:]
      for (index, names) in halves.enumerated() {
        let name = "model-0000\(index + 1)-of-00002.safetensors"
        try WeightFile.rewrite("\(model)/\(name)", from: file.path) { $0.removeAll { !names.contains($0.name) } }
        for tensor in names { map[tensor] = name }
      }
      try workspace.folder.write(
        [UInt8](try JSONSerialization.data(withJSONObject: ["weight_map": map])),
        to: "model/model.safetensors.index.json")
      #expect(abs(try await workspace.perplexity(of: model).value / Self.dense - 1) < 1e-4)

      try WeightFile.rewrite("\(model)/model-00002-of-00002.safetensors") { tensors in
        let index = tensors.count / 2
        tensors[index] = try WeightFile.reversed(tensors[index], as: tensors[index].name)
      }
      try await workspace.expectRefusal(
        of: model,
        ["model.safetensors and the shards of model.safetensors.index.json", "model-00002-of-00002", "differs"])
      // The remedy works.
      try FileManager.default.removeItem(atPath: "\(model)/model-00001-of-00002.safetensors")
      try FileManager.default.removeItem(atPath: "\(model)/model-00002-of-00002.safetensors")
      #expect(abs(try await workspace.perplexity(of: model).value / Self.dense - 1) < 1e-4)
    }
  }
}
