import Architectures
import Artifacts
import Blueprints
import Checkpoints
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// config.json of a pruned model: what is written reads back as the pruned blueprint.
@Suite struct PrunedConfigurationTests {
  static let models = LlamaBlueprintTests.models

  @Test(arguments: models, ["config.json", "config.v4.json"]) func perLayerRoundTrip(model: String, file: String) throws
  {
    let original = try ModelConfiguration(path: Fixtures.model(model) + "/" + file)
    for seed in 0..<20 as Range<UInt64> { try roundTrip(original, seed: seed, layout: .perLayer) }
  }

  @Test(arguments: models, ["config.json", "config.v4.json"]) func nativeRoundTrip(model: String, file: String) throws {
    let original = try ModelConfiguration(path: Fixtures.model(model) + "/" + file)
    for seed in 0..<20 as Range<UInt64> {
      let written = try roundTrip(original, seed: seed, layout: .native)
      #expect(written["architectures"] == ["LlamaForCausalLM"])
      for key in ["per_layer_config", "auto_map", "allow_global_per_layer_attribute_access"] {
        #expect(written[key] == nil)
      }
    }
  }

  /// Keys that may be missing are made explicit where the pruned widths would change what their absence means.
  @Test(arguments: [CheckpointLayout.perLayer, .native]) func absentKeysBecomeExplicit(layout: CheckpointLayout) throws
  {
    var object = RandomCheckpoint.configuration
    object["head_dim"] = nil
    object["num_key_value_heads"] = nil
    let original = ModelConfiguration(object: object, path: "config.json")
    for seed in 0..<20 as Range<UInt64> {
      let written = try roundTrip(original, seed: seed, layout: layout)
      #expect(written["head_dim"] == 8)
    }
  }

  /// A folder that was pruned before is pruned again, in either layout.
  @Test(
    arguments: [CheckpointLayout.perLayer, .native], [CheckpointLayout.perLayer, .native])
  func prunedAgain(first: CheckpointLayout, second: CheckpointLayout) throws {
    let original = ModelConfiguration(object: RandomCheckpoint.configuration, path: "config.json")
    for seed in 0..<20 as Range<UInt64> {
      // Native again after per-layer needs one shape in the end, so both plans are uniform there.
      let isUniform = first == .native || second == .native
      let once = try roundTrip(original, seed: seed, layout: first, isUniform: isUniform)
      try roundTrip(once, seed: seed + 100, layout: second, isUniform: isUniform)
    }
  }

  @Test(arguments: models, ["config.json", "config.v4.json"]) func absentSublayersRoundTrip(
    model: String, file: String
  ) throws {
    let original = try ModelConfiguration(path: Fixtures.model(model) + "/" + file)
    let dense = try Llama.blueprint(from: original)
    let pruned = dense.keeping(try PruningPlan.randomWithAbsentSublayers(for: dense, seed: 2))
    let written = Llama.configuration(of: pruned, from: original, layout: .perLayer)
    #expect(
      try Llama.blueprint(from: ModelConfiguration(object: written.objectValue ?? [:], path: "config.json")) == pruned)
    let last = written["per_layer_config"]?[String(dense.layers.count - 1)]
    #expect(last?["num_attention_heads"] == 0)
    #expect(last?["num_key_value_heads"] == 0)
  }

  @Test func otherKeysStay() throws {
    let original = ModelConfiguration(
      object: RandomCheckpoint.configuration.merging(["my_key": ["a": 1]]) { $1 }, path: "config.json")
    let written = try roundTrip(original, seed: 1, layout: .perLayer)
    let ours: Set<String> = [
      "per_layer_config", "auto_map", "allow_global_per_layer_attribute_access", "architectures",
    ]
    for (key, value) in original.object where !ours.contains(key) { #expect(written[key] == value, "\(key)") }
    #expect(Set(written.object.keys) == Set(original.object.keys).union(ours))
    #expect(written["allow_global_per_layer_attribute_access"] == true)
    #expect(written["architectures"] == ["EspalierLlamaForCausalLM"])
    #expect(
      written["auto_map"] == [
        "AutoConfig": "configuration_espalier_llama.EspalierLlamaConfig",
        "AutoModel": "modeling_espalier_llama.EspalierLlamaModel",
        "AutoModelForCausalLM": "modeling_espalier_llama.EspalierLlamaForCausalLM",
        "AutoModelForSequenceClassification": "modeling_espalier_llama.EspalierLlamaForSequenceClassification",
        "AutoModelForTokenClassification": "modeling_espalier_llama.EspalierLlamaForTokenClassification",
        "AutoModelForQuestionAnswering": "modeling_espalier_llama.EspalierLlamaForQuestionAnswering",
      ])
    let code = Llama.remoteCode.map { String(decoding: $0.contents, as: UTF8.self) }.joined()
    for (_, value) in try #require(written["auto_map"]?.objectValue) {
      let name = try #require(value.stringValue?.split(separator: ".").last)
      #expect(code.contains("class \(name)("))
    }
    #expect(
      Llama.remoteCode.map(\.name) == ["configuration_espalier_llama.py", "modeling_espalier_llama.py"])
    #expect(Llama.remoteCode.allSatisfy { !$0.contents.isEmpty })
  }

  /// Keys of the files that the dense model came in.
  @Test func untrueKeysAreLeft() throws {
    let untrue: [String: JSONValue] = [
      "quantization_config": ["quant_method": "gptq", "bits": 4], "compression_config": ["format": "pack-quantized"],
      "quantization": ["group_size": 64, "bits": 4], "pruned_heads": ["0": [1]], "_name_or_path": "someone/model",
      "auto_map": ["AutoConfig": "someone/model--configuration_own.OwnConfig"],
    ]
    let kept = RandomCheckpoint.configuration.merging(["transformers_version": "5.23.0"]) { $1 }
    let original = ModelConfiguration(object: kept.merging(untrue) { $1 }, path: "config.json")
    let (carried, left) = original.carriedOver()
    #expect(carried == ModelConfiguration(object: kept, path: "config.json"))
    #expect(left == untrue.keys.sorted())
    // What says nothing is not worth a word.
    let empty = kept.merging(["pruned_heads": [:], "quantization_config": nil]) { $1 }
    #expect(ModelConfiguration(object: empty, path: "config.json").carriedOver().left.isEmpty)
  }

  /// transformers 4 would take θ = 10000 for a folder that has the newer keys alone.
  @Test(arguments: [CheckpointLayout.perLayer, .native]) func rotaryKeysAreInBothStyles(layout: CheckpointLayout) throws
  {
    let folder = Fixtures.model("tiny-llama3")
    let older = try ModelConfiguration(path: folder + "/config.v4.json")
    let written = try roundTrip(try ModelConfiguration(path: folder + "/config.json"), seed: 3, layout: layout)
    #expect(written["rope_theta"] == older["rope_theta"])
    #expect(written["rope_scaling"] == older["rope_scaling"])
    let plain = try ModelConfiguration(path: Fixtures.model("tiny-llama") + "/config.json")
    let unscaled = try roundTrip(plain, seed: 3, layout: layout)
    #expect(unscaled["rope_theta"]?.numberValue == 10_000)
    #expect(unscaled["rope_scaling"] == nil)
  }

  @Test func layersThatAreWholeAreNotNamed() throws {
    let original = ModelConfiguration(object: RandomCheckpoint.configuration, path: "config.json")
    let blueprint = try Llama.blueprint(from: original)
    let plan = try PruningPlan.keeping(
      [.init(attention: [0, 1], mlp: Array(0..<24)), .init(attention: [1], mlp: Array(0..<24))], of: blueprint)
    let written = Llama.configuration(of: blueprint.keeping(plan), from: original, layout: .perLayer)
    #expect(written["per_layer_config"] == ["1": ["num_attention_heads": 2, "num_key_value_heads": 1]])
    #expect(written["num_attention_heads"] == 4)
  }

  @discardableResult
  private func roundTrip(
    _ original: ModelConfiguration, seed: UInt64, layout: CheckpointLayout, isUniform: Bool? = nil
  ) throws -> ModelConfiguration {
    let dense = try Llama.blueprint(from: original)
    let plan = try PruningPlan.random(for: dense, seed: seed, isUniform: isUniform ?? (layout == .native))
    let pruned = dense.keeping(plan)
    let written = Llama.configuration(of: pruned, from: original, layout: layout)
    let configuration = ModelConfiguration(object: written.objectValue ?? [:], path: "config.json")
    #expect(try Llama.blueprint(from: configuration) == pruned)
    return configuration
  }
}
