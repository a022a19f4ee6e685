public import Blueprints
public import Checkpoints
internal import Tensors

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
      hiddenSize: hiddenSize, norm: norm, rotary: try rotary(configuration),
      hasAttentionBias: try configuration.optionalBool("attention_bias") ?? false,
      hasMLPBias: try configuration.optionalBool("mlp_bias") ?? false)
    let perLayer = try configuration.optionalObject("per_layer_config")
    // In order, so that every rank reports the same of several.
    let indices = Set((0..<layerCount).map(String.init))
    for key in (perLayer?.object.keys.sorted() ?? []) where !indices.contains(key) {
      throw configuration.invalid(
        "per_layer_config", "\(OneLine.quoted(key)) is none of the model's \(layerCount) layers, counted from 0")
    }
    var layers: [LayerSpecification] = []
    for index in 0..<layerCount {
      let own = try perLayer?.optionalObject(String(index))
      layers.append(try layer(LlamaWidths(configuration, own: own, hiddenSize: hiddenSize), shared: shared))
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

  /// transformers 5 writes `rope_parameters`; transformers 4 `rope_theta` and `rope_scaling`, whose kind was once `type`.
  private static func rotary(_ configuration: ModelConfiguration) throws(CheckpointError) -> RotarySpecification {
    let parameters = try configuration.optionalObject("rope_parameters")
    let ownTheta = try parameters?.optionalNumber("rope_theta")
    let globalTheta = try configuration.optionalNumber("rope_theta")
    let theta = ownTheta ?? globalTheta ?? 10_000
    guard theta > 0 else {
      let place = ownTheta == nil ? configuration : (parameters ?? configuration)
      throw place.invalid("rope_theta", "it must be above 0")
    }
    let olderScaling = try configuration.optionalObject("rope_scaling")
    guard let scaling = parameters ?? olderScaling else {
      return RotarySpecification(theta: theta, scaling: .none)
    }
    let olderKind = try scaling.optionalString("type")
    let kind = try scaling.optionalString("rope_type") ?? olderKind ?? "default"
    switch kind {
    case "default": return RotarySpecification(theta: theta, scaling: .none)
    case "linear": return RotarySpecification(theta: theta, scaling: .linear(factor: try positive("factor", scaling)))
    case "llama3":
      return RotarySpecification(
        theta: theta,
        scaling: .llama3(
          factor: try positive("factor", scaling), lowFrequencyFactor: try positive("low_freq_factor", scaling),
          highFrequencyFactor: try positive("high_freq_factor", scaling),
          originalPositions: try scaling.positiveInteger("original_max_position_embeddings")))
    default:
      throw scaling.invalid(
        scaling["rope_type"] == nil ? "type" : "rope_type", "only default, linear and llama3 are computed")
    }
  }

  private static func positive(
    _ key: String, _ configuration: ModelConfiguration
  ) throws(CheckpointError) -> Double {
    let value = try configuration.number(key)
    guard value > 0 else { throw configuration.invalid(key, "it must be above 0") }
    return value
  }
}
