public import Blueprints
public import Checkpoints

extension Llama {
  /// LlamaConfig of transformers 5.8 and later checks it, though `head_dim` is explicit.
  public static func obstacleToNative(_ pruned: Blueprint) -> String? {
    guard let heads = pruned.layers.first.map(LayerWidths.init)?.keys[queryHeads], heads > 0,
      pruned.hiddenSize % heads != 0
    else { return nil }
    return "\(heads) attention heads do not divide hidden_size (\(pruned.hiddenSize)), as LlamaConfig requires"
  }

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
      setLoadableHeads(of: &object, hiddenSize: pruned.hiddenSize)
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
        "AutoModelForSequenceClassification": "modeling_espalier_llama.EspalierLlamaForSequenceClassification",
        "AutoModelForTokenClassification": "modeling_espalier_llama.EspalierLlamaForTokenClassification",
        "AutoModelForQuestionAnswering": "modeling_espalier_llama.EspalierLlamaForQuestionAnswering",
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

  /// The model's own head counts, which no layer needs to have, but which LlamaConfig checks: the dense model's, or the next
  /// larger that divide the hidden size, as for a model that an older Espalier wrote as `native`.
  private static func setLoadableHeads(of object: inout [String: JSONValue], hiddenSize: Int) {
    guard let heads = object[queryHeads]?.integerValue, heads > 0 else { return }
    let shared = object[keyValueHeads]?.integerValue ?? heads
    let loadable = (heads...max(heads, hiddenSize)).first { hiddenSize % $0 == 0 } ?? heads
    let group = max(1, heads / max(1, shared))
    object[queryHeads] = .integer(Int64(loadable))
    object[keyValueHeads] = .integer(
      Int64(loadable == heads ? shared : loadable % group == 0 ? loadable / group : loadable))
  }

  private static let queryHeads = "num_attention_heads"
  private static let keyValueHeads = "num_key_value_heads"

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
          keys[Llama.queryHeads] = attention.queryHeads
          keys[Llama.keyValueHeads] = attention.keyValueHeads
          headWidth = attention.headWidth
        case .mlp(let mlp): keys["intermediate_size"] = mlp.width
        }
      }
    }
  }
}
