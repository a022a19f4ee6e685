public import Blueprints

extension Blueprint {
  /// BERT as tiny-bert's config.json describes it (`BertForMaskedLM`), with `layers` layers.
  ///
  /// Norms come after the residual sums; positions and token types are tables beside the tokens'. The output matrix is tied;
  /// the decoder's bias is tied to `cls.predictions.bias`, so the head has one bias.
  public static func bert(layers: Int = 3) -> Blueprint {
    let norm = NormSpecification(kind: .layer, epsilon: 1e-12)
    let attention = AttentionSpecification(
      queryHeads: 4, keyValueHeads: 4, headWidth: 16, scale: 0.25, mask: .full, position: .none, hasInputBias: true,
      hasOutputBias: true)
    let mlp = MLPSpecification(width: 256, isGated: false, activation: .gelu, hasBias: true)
    let layer = LayerSpecification(sublayers: [
      SublayerSpecification(norm: norm, normPlacement: .after, kind: .attention(attention)),
      SublayerSpecification(norm: norm, normPlacement: .after, kind: .mlp(mlp)),
    ])
    return Blueprint(
      modelType: "bert", vocabularySize: 512, hiddenSize: 64, maximumPositions: 128,
      embedding: EmbeddingSpecification(learnedPositions: 128, tokenTypes: 2, norm: norm),
      stacks: [StackSpecification(kind: .encoder, layers: Array(repeating: layer, count: layers), finalNorm: nil)],
      head: HeadSpecification(
        isTied: true, hasBias: true, transform: HeadTransform(activation: .gelu, norm: norm)))
  }
}
