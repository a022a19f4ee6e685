public import Blueprints
internal import Checkpoints

/// Llama 1 to 3, SmolLM2 and what else says `"model_type": "llama"` (Hugging Face's `LlamaForCausalLM`). Their weights: the
/// tokenizers of Llama 1 and 2 are not read yet.
public enum Llama: Architecture {
  public static var modelTypes: [String] { ["llama"] }

  public static func tensorName(of role: TensorRole, in blueprint: Blueprint) -> String {
    switch role.group {
    case .embedding: return "model.embed_tokens.weight"
    case .head:
      if role.part == .normWeight { return "model.norm.weight" }
      return blueprint.head.isTied ? "model.embed_tokens.weight" : "lm_head.weight"
    case .layer(let index):
      guard let stem = stems[role.part] else { break }
      let name =
        role.part == .normWeight ? (role.sublayer == 0 ? "input_layernorm" : "post_attention_layernorm") : stem
      return "model.layers.\(index).\(name).\(biases.contains(role.part) ? "bias" : "weight")"
    case .encoderEnd: break
    }
    preconditionFailure("a Llama has no \(role)")
  }

  public static func isSuperfluous(_ tensorName: String, in blueprint: Blueprint) -> Bool {
    // Releases before 4.32 saved the rotary frequencies, which follow from config.json.
    if tensorName.hasSuffix(".self_attn.rotary_emb.inv_freq") { return true }
    // What replaces a skipped sublayer may have kept the norm before it, which nothing reads.
    guard let layer = layer(of: tensorName), blueprint.layers.indices.contains(layer) else { return false }
    return blueprint.layers[layer].sublayers.enumerated().contains { index, sublayer in
      sublayer.isAbsent
        && tensorName == Self.tensorName(of: TensorRole(.layer(layer), sublayer: index, .normWeight), in: blueprint)
    }
  }

  /// The layer that a tensor's name says it belongs to.
  static func layer(of tensorName: String) -> Int? {
    let stem = "model.layers."
    return tensorName.hasPrefix(stem) ? Int(tensorName.dropFirst(stem.count).prefix { $0 != "." }) : nil
  }

  public static func original(ofCopy tensorName: String, in blueprint: Blueprint) -> String? {
    blueprint.head.isTied && tensorName == "lm_head.weight" ? "model.embed_tokens.weight" : nil
  }

  private static let stems: [TensorPart: String] = [
    .normWeight: "", .queryWeight: "self_attn.q_proj", .queryBias: "self_attn.q_proj", .keyWeight: "self_attn.k_proj",
    .keyBias: "self_attn.k_proj", .valueWeight: "self_attn.v_proj", .valueBias: "self_attn.v_proj",
    .outputWeight: "self_attn.o_proj", .outputBias: "self_attn.o_proj", .gateWeight: "mlp.gate_proj",
    .gateBias: "mlp.gate_proj", .upWeight: "mlp.up_proj", .upBias: "mlp.up_proj", .downWeight: "mlp.down_proj",
    .downBias: "mlp.down_proj",
  ]

  private static let biases: Set<TensorPart> = [
    .queryBias, .keyBias, .valueBias, .outputBias, .gateBias, .upBias, .downBias,
  ]
}
