public import Blueprints

/// Which keys of config.json to look at where it and the weights do not fit.
extension Llama {
  public static func keys(shaping role: TensorRole) -> [String] {
    switch role.part {
    case .queryWeight, .queryBias, .outputWeight: ["num_attention_heads", "head_dim", "hidden_size"]
    case .keyWeight, .keyBias, .valueWeight, .valueBias: ["num_key_value_heads", "head_dim", "hidden_size"]
    case .gateWeight, .gateBias, .upWeight, .upBias, .downWeight: ["intermediate_size", "hidden_size"]
    case .normWeight, .outputBias, .downBias: ["hidden_size"]
    default: ["vocab_size", "hidden_size"]
    }
  }

  public static func remedy(forMissing tensorName: String, of blueprint: Blueprint, in names: Set<String>) -> String? {
    if tensorName == "lm_head.weight" {
      return "if the embedding is the output matrix too, set \"tie_word_embeddings\": true"
    }
    if let key = biasKey(tensorName), !names.contains(where: { biasKey($0) == key }) {
      return "if the model has no such biases, set \"\(key)\": false"
    }
    guard let layer = layer(of: tensorName), !names.contains(where: { self.layer(of: $0) == layer }) else { return nil }
    return layerRemedy(names)
  }

  public static func remedy(forUnexpected tensorName: String, of blueprint: Blueprint, in names: Set<String>) -> String?
  {
    if let layer = layer(of: tensorName), layer >= blueprint.layers.count { return layerRemedy(names) }
    guard let key = biasKey(tensorName) else { return nil }
    let all =
      key == "attention_bias" ? ["q_proj", "k_proj", "v_proj", "o_proj"] : ["gate_proj", "up_proj", "down_proj"]
    let present = all.filter { projection in names.contains { $0.hasSuffix(".\(projection).bias") } }
    guard present == all else {
      return "a Llama has biases on all of \(all.joined(separator: ", ")) or on none, and these weights on "
        + "\(present.joined(separator: ", ")) alone: they are of another family, so correct \"model_type\""
    }
    return "if the model has such biases, set \"\(key)\": true"
  }

  private static func biasKey(_ tensorName: String) -> String? {
    guard tensorName.hasSuffix("_proj.bias") else { return nil }
    return tensorName.contains(".self_attn.") ? "attention_bias" : tensorName.contains(".mlp.") ? "mlp_bias" : nil
  }

  /// Where a whole layer is missing or too much, there may be another number of them.
  private static func layerRemedy(_ names: Set<String>) -> String? {
    guard let last = names.compactMap(layer).max(), last < Int.max else { return nil }
    return "the weights have layers 0 to \(last): if these are all, set \"num_hidden_layers\": \(last + 1)"
  }
}
