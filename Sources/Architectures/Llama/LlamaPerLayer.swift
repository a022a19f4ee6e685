internal import Checkpoints
internal import Tensors

/// `per_layer_config`: what differs from the model's own keys in some layers.
///
/// Keys are numbers of layers, which transformers pads with zeros to one length when it saves (`"01"`). Beside widths an
/// entry may have `skip`, a list of sublayers that the layer does not have, as Hugging Face, NVIDIA and vLLM spell it.
struct LlamaPerLayer {
  /// By layer; those without an entry are as the model's own keys say.
  let entries: [Int: ModelConfiguration]

  static let key = "per_layer_config"
  private static let widths = ["num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size"]

  init(_ configuration: ModelConfiguration, layerCount: Int) throws(CheckpointError) {
    var entries: [Int: (key: String, entry: ModelConfiguration)] = [:]
    guard let object = try configuration.optionalObject(Self.key) else {
      self.entries = [:]
      return
    }
    // In order, so that every rank reports the same of several.
    for key in object.object.keys.sorted() {
      guard key.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = Int(key), index < layerCount else {
        throw configuration.invalid(
          Self.key, "\(OneLine.quoted(key)) is none of the model's \(layerCount) layers, counted from 0")
      }
      guard let entry = try object.optionalObject(key) else { continue }
      if let earlier = entries[index], earlier.entry.object != entry.object {
        throw configuration.invalid(
          Self.key,
          "\(OneLine.quoted(earlier.key)) and \(OneLine.quoted(key)) are the same layer, with different values; remove one"
        )
      }
      // What is not read would be ignored, which nobody would see.
      for name in entry.object.keys.sorted() where !Self.widths.contains(name) && name != "skip" {
        guard let value = entry[name], value != configuration[name] else { continue }
        throw entry.invalid(
          name, "of a layer, only \(Self.widths.joined(separator: ", ")) and skip may differ from the model's")
      }
      entries[index] = (key, entry)
    }
    self.entries = entries.mapValues(\.entry)
  }
}

/// What a layer does not have, by `skip`.
struct LlamaSkips {
  let attention: Bool
  let mlp: Bool

  /// A width beside `skip` is one that nothing has; it may be the model's own, which transformers writes into every entry
  /// with `serialize_explicit_per_layer_config`, but another contradicts.
  init(_ own: ModelConfiguration?, global: ModelConfiguration) throws(CheckpointError) {
    let skipped = try own?.optionalStrings("skip") ?? []
    if let own, let other = skipped.first(where: { !["attention", "mlp"].contains($0) }) {
      throw own.invalid("skip", "\(OneLine.quoted(other)) is no sublayer of a Llama; it has attention and mlp")
    }
    for (name, keys) in [
      ("attention", ["num_attention_heads", "num_key_value_heads"]), ("mlp", ["intermediate_size"]),
    ] where skipped.contains(name) {
      for key in keys {
        guard let own, let value = own[key], value != 0, value != global[key] else { continue }
        throw own.invalid(key, "\(own.name("skip")) says that the layer has no \(name); remove one of the two")
      }
    }
    (attention, mlp) = (skipped.contains("attention"), skipped.contains("mlp"))
  }
}
