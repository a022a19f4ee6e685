public import Blueprints
public import Checkpoints

extension Llama {
  /// More layers than any model has, and few enough that a hostile number costs nothing.
  private static let mostLayers = 4096

  public static func blueprint(from configuration: ModelConfiguration) throws(CheckpointError) -> Blueprint {
    let hiddenSize = try configuration.positiveInteger("hidden_size")
    let layerCount = try configuration.positiveInteger("num_hidden_layers")
    guard layerCount <= mostLayers else { throw configuration.invalid("num_hidden_layers", "at most \(mostLayers)") }
    let activation = try configuration.optionalString("hidden_act") ?? "silu"
    guard activation == "silu" else { throw configuration.invalid("hidden_act", "only silu is computed") }
    let epsilon = try configuration.optionalNumber("rms_norm_eps") ?? 1e-6
    guard epsilon >= 0, epsilon < 1 else {
      throw configuration.invalid("rms_norm_eps", "it must be at least 0 and below 1")
    }
    let norm = NormSpecification(kind: .rms, epsilon: Float(epsilon))
    let shared = Shared(
      hiddenSize: hiddenSize, norm: norm, rotary: try LlamaRotary(configuration).specification,
      hasAttentionBias: try configuration.optionalBool("attention_bias") ?? false,
      hasMLPBias: try configuration.optionalBool("mlp_bias") ?? false)
    let perLayer = try LlamaPerLayer(configuration, layerCount: layerCount)
    var layers: [LayerSpecification] = []
    for index in 0..<layerCount {
      let widths = try LlamaWidths(configuration, own: perLayer.entries[index], hiddenSize: hiddenSize)
      layers.append(layer(widths, shared: shared))
    }
    let vocabularySize = try configuration.positiveInteger("vocab_size")
    guard vocabularySize <= LlamaWidths.largest else {
      throw configuration.invalid("vocab_size", "it must be at most \(LlamaWidths.largest)")
    }
    return Blueprint(
      modelType: try configuration.string("model_type"), vocabularySize: vocabularySize, hiddenSize: hiddenSize,
      maximumPositions: try configuration.optionalPositiveInteger("max_position_embeddings"),
      embedding: EmbeddingSpecification(),
      stacks: [StackSpecification(kind: .decoder, layers: layers, finalNorm: norm)],
      head: HeadSpecification(isTied: try configuration.optionalBool("tie_word_embeddings") ?? false))
  }

  private struct Shared {
    let hiddenSize: Int
    let norm: NormSpecification
    let rotary: RotarySpecification
    let hasAttentionBias: Bool
    let hasMLPBias: Bool
  }

  private static func layer(_ widths: LlamaWidths, shared: Shared) -> LayerSpecification {
    let attention = AttentionSpecification(
      queryHeads: widths.queryHeads, keyValueHeads: widths.keyValueHeads, headWidth: widths.headWidth,
      scale: 1 / Float(widths.headWidth).squareRoot(), mask: .causal, position: .rotary(shared.rotary),
      hasInputBias: shared.hasAttentionBias, hasOutputBias: shared.hasAttentionBias)
    let mlp = MLPSpecification(
      width: widths.intermediate, isGated: true, activation: .silu, hasBias: shared.hasMLPBias)
    return LayerSpecification(sublayers: [
      SublayerSpecification(norm: shared.norm, normPlacement: .before, kind: .attention(attention)),
      SublayerSpecification(norm: shared.norm, normPlacement: .before, kind: .mlp(mlp)),
    ])
  }
}
