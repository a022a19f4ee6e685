internal import Checkpoints

/// The widths of one layer, by Llama's defaults where a key is missing.
struct LlamaWidths {
  let queryHeads: Int
  let keyValueHeads: Int
  let headWidth: Int
  let intermediate: Int

  /// `own` is the layer's entry in `per_layer_config`, whose values come before the global ones.
  init(_ global: ModelConfiguration, own: ModelConfiguration?, hiddenSize: Int) throws(CheckpointError) {
    let source = LayerConfiguration(global: global, own: own)
    queryHeads = try source.require("num_attention_heads")
    keyValueHeads = try source.width("num_key_value_heads") ?? queryHeads
    intermediate = try source.require("intermediate_size")
    guard queryHeads % keyValueHeads == 0 else {
      let place = own?["num_key_value_heads"] == nil ? global : (own ?? global)
      throw place.invalid("num_key_value_heads", "it must divide num_attention_heads (\(queryHeads))")
    }
    if let explicit = try source.width("head_dim") {
      headWidth = explicit
    } else {
      guard hiddenSize % queryHeads == 0 else {
        throw global.invalid(
          "num_attention_heads", "it must divide hidden_size (\(hiddenSize)) where head_dim is not given")
      }
      headWidth = hiddenSize / queryHeads
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
    if let own {
      let value = try own.optionalPositiveInteger(key)
      if value != nil { return value }
    }
    return try global.optionalPositiveInteger(key)
  }

  func require(_ key: String) throws(CheckpointError) -> Int {
    let value = try width(key)
    if let value { return value }
    return try global.positiveInteger(key)
  }
}
