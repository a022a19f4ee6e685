internal import Checkpoints

/// The widths of one layer, by Llama's defaults where a key is missing.
struct LlamaWidths {
  /// 0, as `keyValueHeads`, in a layer without attention.
  let queryHeads: Int
  let keyValueHeads: Int
  let headWidth: Int
  /// 0 in a layer without an MLP.
  let intermediate: Int

  /// `own` is the layer's entry in `per_layer_config`, whose values come before the global ones. Only there a width can be
  /// 0, or a sublayer be skipped: the layer then has no attention, or no MLP.
  init(_ global: ModelConfiguration, own: ModelConfiguration?, hiddenSize: Int) throws(CheckpointError) {
    let source = LayerConfiguration(global: global, own: own)
    let skips = try LlamaSkips(own, global: global)
    queryHeads = skips.attention ? 0 : try source.require("num_attention_heads")
    keyValueHeads = skips.attention ? 0 : try source.width("num_key_value_heads") ?? queryHeads
    intermediate = skips.mlp ? 0 : try source.require("intermediate_size")
    let place = own?["num_key_value_heads"] == nil ? global : (own ?? global)
    guard (queryHeads == 0) == (keyValueHeads == 0) else {
      throw place.invalid(
        "num_key_value_heads", "it must be 0 where num_attention_heads is, and only there (\(queryHeads))")
    }
    guard keyValueHeads == 0 || queryHeads % keyValueHeads == 0 else {
      throw place.invalid("num_key_value_heads", "it must divide num_attention_heads (\(queryHeads))")
    }
    if let explicit = try source.explicitHeadWidth() {
      headWidth = explicit
    } else {
      // A layer without attention has the width that the model's other layers have.
      let heads = queryHeads == 0 ? try global.positiveInteger("num_attention_heads") : queryHeads
      guard hiddenSize % heads == 0 else {
        throw global.invalid(
          "num_attention_heads", "it must divide hidden_size (\(hiddenSize)) where head_dim is not given")
      }
      headWidth = hiddenSize / heads
    }
    guard headWidth % 2 == 0 else { throw global.invalid("head_dim", "rotary position embedding needs an even width") }
    let widths = [
      ("num_attention_heads", queryHeads), ("head_dim", headWidth), ("intermediate_size", intermediate),
      ("hidden_size", hiddenSize),
    ]
    for (key, value) in widths where value > Self.largest {
      throw global.invalid(key, "it must be at most \(Self.largest)")
    }
  }

  /// Far above any model, and small enough that products of widths stay within 64 bits.
  static let largest = 1 << 24
}

/// A layer's own keys before the model's.
private struct LayerConfiguration {
  let global: ModelConfiguration
  let own: ModelConfiguration?

  func width(_ key: String) throws(CheckpointError) -> Int? {
    if let own, let value = try own.optionalInteger(key) {
      guard value >= 0 else { throw own.invalid(key, "it must be a positive integer, or 0 for none") }
      return value == 0 ? 0 : try own.optionalPositiveInteger(key)
    }
    return try global.optionalPositiveInteger(key)
  }

  func explicitHeadWidth() throws(CheckpointError) -> Int? {
    if let value = try own?.optionalPositiveInteger("head_dim") { return value }
    return try global.optionalPositiveInteger("head_dim")
  }

  func require(_ key: String) throws(CheckpointError) -> Int {
    let value = try width(key)
    if let value { return value }
    return try global.positiveInteger(key)
  }
}
