public import Blueprints
public import Checkpoints

extension Llama {
  public static func configuration(
    of pruned: Blueprint, from original: ModelConfiguration, layout: CheckpointLayout
  ) -> JSONValue {
    var object = original.object
    for key in remoteCodeKeys { object[key] = nil }
    let layers = pruned.layers.map(LayerWidths.init)
    guard let first = layers.first else { return .object(object) }
    object["head_dim"] = .integer(Int64(first.headWidth))
    addOlderRotaryKeys(to: &object)
    switch layout {
    case .native:
      for (key, value) in first.keys { object[key] = .integer(Int64(value)) }
      object["architectures"] = ["LlamaForCausalLM"]
    case .perLayer:
      if object["num_key_value_heads"]?.integerValue == nil {
        object["num_key_value_heads"] = object["num_attention_heads"]
      }
      var perLayer: [String: JSONValue] = [:]
      for (index, layer) in layers.enumerated() {
        let differing = layer.keys.filter { object[$0.key]?.integerValue != $0.value }
        if !differing.isEmpty { perLayer[String(index)] = .object(differing.mapValues { .integer(Int64($0)) }) }
      }
      object["per_layer_config"] = .object(perLayer)
      object["allow_global_per_layer_attribute_access"] = true
      object["architectures"] = ["EspalierLlamaForCausalLM"]
      object["auto_map"] = [
        "AutoConfig": "configuration_espalier_llama.EspalierLlamaConfig",
        "AutoModel": "modeling_espalier_llama.EspalierLlamaModel",
        "AutoModelForCausalLM": "modeling_espalier_llama.EspalierLlamaForCausalLM",
      ]
    }
    return .object(object)
  }

  public static var remoteCode: [RemoteCodeFile] {
    [
      RemoteCodeFile(
        name: "configuration_espalier_llama.py", contents: PackageResources.configuration_espalier_llama_py),
      RemoteCodeFile(name: "modeling_espalier_llama.py", contents: PackageResources.modeling_espalier_llama_py),
    ]
  }

  /// transformers 4 reads `rope_theta` and `rope_scaling` alone, and silently takes θ = 10000 without them; transformers 5
  /// takes both styles.
  private static func addOlderRotaryKeys(to object: inout [String: JSONValue]) {
    guard var scaling = object["rope_parameters"]?.objectValue else { return }
    let theta = scaling.removeValue(forKey: "rope_theta")
    if object["rope_theta"] == nil { object["rope_theta"] = theta }
    let kind = scaling["rope_type"]?.stringValue ?? "default"
    if kind != "default", object["rope_scaling"] == nil { object["rope_scaling"] = .object(scaling) }
  }

  private static let remoteCodeKeys = [
    "per_layer_config", "allow_global_per_layer_attribute_access", "auto_map", "architectures",
  ]

  /// A layer's widths as config.json spells them.
  private struct LayerWidths {
    var keys: [String: Int] = [:]
    var headWidth = 0

    init(_ layer: LayerSpecification) {
      for sublayer in layer.sublayers {
        switch sublayer.kind {
        case .attention(let attention):
          keys["num_attention_heads"] = attention.queryHeads
          keys["num_key_value_heads"] = attention.keyValueHeads
          headWidth = attention.headWidth
        case .mlp(let mlp): keys["intermediate_size"] = mlp.width
        }
      }
    }
  }
}
