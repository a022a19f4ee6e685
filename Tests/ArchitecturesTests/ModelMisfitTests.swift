import Architectures
import Blueprints
import Checkpoints
import ModelTestSupport
import Safetensors
import Tensors
import TestSupport
import Testing

/// Weights that a config.json does not describe: which is why, and what to do.
@Suite struct ModelMisfitTests {
  private static func checkpoint(
    _ changes: [String: JSONValue] = [:], _ rewrite: (inout [StoredTensor]) throws -> Void
  ) throws -> RandomCheckpoint {
    let checkpoint = try RandomCheckpoint(changes, elementType: .bfloat16)
    try checkpoint.rewrite(rewrite)
    return checkpoint
  }

  private static func message(_ checkpoint: RandomCheckpoint) throws -> String {
    try #require(#expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }).message
  }

  @Test(arguments: [ElementType.bfloat16, .float32]) func aCopyOfATiedMatrixIsDropped(type: ElementType) throws {
    let checkpoint = try Self.checkpoint(["tie_word_embeddings": true]) { tensors in
      let own = try #require(tensors.first { $0.name == "model.embed_tokens.weight" })
      tensors.append(
        try StoredTensor(name: "lm_head.weight", elementType: type, shape: own.shape, values: own.floats()))
    }
    #expect(try Model(path: checkpoint.path).blueprint.head.isTied)
  }

  /// A copy that was rounded, beside the matrix that was not.
  @Test func aRoundedCopyIsDropped() throws {
    let checkpoint = try RandomCheckpoint(["tie_word_embeddings": true])
    try checkpoint.rewrite { tensors in
      let own = try #require(tensors.first { $0.name == "model.embed_tokens.weight" })
      tensors.append(
        try StoredTensor(name: "lm_head.weight", elementType: .bfloat16, shape: own.shape, values: own.floats()))
    }
    #expect(try Model(path: checkpoint.path).parameterCount > 0)
  }

  @Test(arguments: ["values", "shape", "type", "wide values"]) func anotherMatrixThanTheTiedOneIsRefused(what: String)
    throws
  {
    let checkpoint = try Self.checkpoint(["tie_word_embeddings": true]) { tensors in
      let own = try #require(tensors.first { $0.name == "model.embed_tokens.weight" })
      var values = try own.floats()
      if what.hasSuffix("values") { values[values.count - 1] += 1 }
      if what == "type" {
        tensors.append(
          try StoredTensor(
            name: "lm_head.weight", elementType: .uint8, shape: own.shape,
            bytes: [UInt8](repeating: 0, count: values.count)))
        return
      }
      tensors.append(
        try StoredTensor(
          name: "lm_head.weight", elementType: what.hasPrefix("wide") ? .float32 : .bfloat16,
          shape: what == "shape" ? [32, 64] : own.shape, values: values))
    }
    #expect(
      try Self.message(checkpoint)
        == "\(checkpoint.path)/model.safetensors: tensor \"lm_head.weight\" differs from \"model.embed_tokens.weight\", but "
        + "\"tie_word_embeddings\" in config.json says that they are one; set it to false to use both, as transformers 5 "
        + "does, or write the weights without \"lm_head.weight\" to use one")
  }

  @Test(
    arguments: [
      ("_orig_mod.model.", "model.", "the names have the prefix \"_orig_mod.\", so rename the tensors without it"),
      ("language_model.model.", "model.", "the names have the prefix \"language_model.\""),
      ("", "model.", "the names lack the prefix \"model.\", so rename the tensors with it"),
      ("gpt.", "model.", "the names have the prefix \"gpt.\" for \"model.\""),
    ]) func prefixesAreNamed(prefix: String, own: String, part: String) throws
  {
    let checkpoint = try Self.checkpoint { tensors in
      tensors = tensors.map { $0.renamed($0.name.hasPrefix(own) ? prefix + $0.name.dropFirst(own.count) : $0.name) }
    }
    let message = try Self.message(checkpoint)
    #expect(message.contains("tensor \"model.embed_tokens.weight\" of shape [64, 32] is missing"), "\(message)")
    #expect(message.contains(part), "\(message)")
  }

  @Test func keysThatAreMissingAreNamed() throws {
    let untied = try RandomCheckpoint(["tie_word_embeddings": true])
    try untied.folder.write(
      JSONValue.object(RandomCheckpoint.configuration.filter { $0.key != "tie_word_embeddings" }).prettyText,
      to: "config.json")
    #expect(try Self.message(untied).hasSuffix("set \"tie_word_embeddings\": true in config.json"))

    let biased = try RandomCheckpoint()
    for (key, part) in [
      ("attention_bias", "if the model has such biases, set \"attention_bias\": true in config.json"),
      ("mlp_bias", "if the model has such biases, set \"mlp_bias\": true in config.json"),
      ("num_key_value_heads", "correct \"num_key_value_heads\" (not given) or \"head_dim\" or \"hidden_size\" there"),
    ] {
      try biased.folder.write(
        JSONValue.object(RandomCheckpoint.configuration.filter { $0.key != key }).prettyText, to: "config.json")
      #expect(try Self.message(biased).contains(part))
    }
    let qwen = try Self.checkpoint(["mlp_bias": false]) { tensors in
      tensors.removeAll { $0.name.hasSuffix("o_proj.bias") }
    }
    // With the key there is a bias too few, without it too many: no value of it would be right.
    try qwen.folder.write(
      JSONValue.object(
        RandomCheckpoint.configuration.merging(["mlp_bias": false, "attention_bias": false]) { $1 }
      ).prettyText, to: "config.json")
    #expect(try Self.message(qwen).contains("on q_proj, k_proj, v_proj alone: they are of another family"))
  }

  @Test func anotherNumberOfLayersIsNamed() throws {
    let checkpoint = try RandomCheckpoint()
    for count in [1, 3] {
      try checkpoint.folder.write(
        JSONValue.object(
          RandomCheckpoint.configuration.merging(["num_hidden_layers": .integer(Int64(count))]) { $1 }
        ).prettyText, to: "config.json")
      #expect(
        try Self.message(checkpoint).hasSuffix(
          "the weights have layers 0 to 1: if these are all, set \"num_hidden_layers\": 2 in config.json"))
    }
  }

  @Test(
    arguments: [
      ("gptq", "GPTQ"), ("awq", "AWQ"), ("fp8", "FP8"), ("bitsandbytes", "bitsandbytes"), ("mxfp4", "MXFP4"),
      ("compressed-tensors", "compressed-tensors"), ("something", "something"),
    ]) func quantisedModelsAreNamedByConfiguration(method: String, name: String) throws
  {
    let checkpoint = try RandomCheckpoint(["quantization_config": ["quant_method": .string(method)]])
    // Before any weight is looked at.
    try checkpoint.folder.write("", to: "model.safetensors")
    #expect(
      try Self.message(checkpoint)
        == "\(checkpoint.path)/config.json: the model is quantised with \(name) (key \"quantization_config\", quant_method "
        + "\"\(method)\"); Espalier prunes unquantised models, so give the folder that this one was made from, or dequantise "
        + "it; where its weights are F32, BF16 or F16 all the same, remove the key")
    #expect(throws: CheckpointError.self) { try ModelShape(configuration: checkpoint.path) }
  }

  @Test func anEmptyQuantisationIsNone() throws {
    let checkpoint = try RandomCheckpoint(["quantization_config": [:]])
    #expect(try Model(path: checkpoint.path).parameterCount > 0)
  }

  @Test(
    arguments: [
      ("q_proj.qweight", "GPTQ or AWQ"), ("q_proj.g_idx", "GPTQ"), ("q_proj.weight_packed", "compressed-tensors"),
      ("q_proj.weight_scale_inv", "FP8"), ("q_proj.weight.absmax", "bitsandbytes, 4 bits"),
      ("q_proj.SCB", "bitsandbytes, 8 bits"), ("q_proj_blocks", "MXFP4"),
    ]) func quantisedModelsAreNamedByTensors(name: String, method: String) throws
  {
    let whole = "model.layers.0.self_attn." + name
    for removed in [true, false] {
      let checkpoint = try Self.checkpoint { tensors in
        if removed { tensors.removeAll { $0.name == "model.layers.0.self_attn.q_proj.weight" } }
        tensors.append(try StoredTensor(name: whole, elementType: .uint8, shape: [1], bytes: [1]))
      }
      let message = try Self.message(checkpoint)
      #expect(message.contains("the model is quantised (\(method): there is \"\(whole)\"); Espalier"), "\(message)")
    }
  }

  @Test func adaptersAreNamed() throws {
    let name = "model.layers.0.self_attn.q_proj.lora_A.weight"
    let checkpoint = try Self.checkpoint { tensors in
      tensors.append(try StoredTensor(name: name, elementType: .float32, shape: [1], values: [0]))
    }
    #expect(try Self.message(checkpoint).contains("adapters that were not merged (\"\(name)\"); merge them"))
  }

  @Test func aKeyTwiceIsAWarning() throws {
    let checkpoint = try RandomCheckpoint()
    let text = JSONValue.object(RandomCheckpoint.configuration).prettyText
    try checkpoint.folder.write("{\"hidden_size\": 31," + text.dropFirst(), to: "config.json")
    let warnings = try Model(path: checkpoint.path).warnings
    #expect(warnings.count == 1 && warnings[0].contains("key \"hidden_size\" stands twice with different values"))
    #expect(try ModelShape(configuration: checkpoint.path).warnings == warnings)
  }
}
