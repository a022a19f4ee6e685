public import Blueprints

extension Blueprint {
  /// T5 v1.1 as tiny-t5-v1_1's config.json describes it (`T5ForConditionalGeneration`): two encoder and three decoder
  /// layers.
  ///
  /// The first layer of each stack holds the stack's relative position bias and the others use it; cross attention has
  /// none. Inner products are not scaled, and nothing has a bias.
  public static func t5() -> Blueprint {
    let encoder = (0..<2).map { index in
      LayerSpecification(sublayers: [sublayer(selfAttention(isFirst: index == 0, mask: .full)), sublayer(.mlp(t5MLP))])
    }
    let decoder = (0..<3).map { index in
      LayerSpecification(sublayers: [
        sublayer(selfAttention(isFirst: index == 0, mask: .causal)),
        sublayer(.attention(attention(source: .encoder, mask: .full, position: .none))), sublayer(.mlp(t5MLP)),
      ])
    }
    return Blueprint(
      modelType: "t5", vocabularySize: 512, hiddenSize: 64, maximumPositions: nil, embedding: EmbeddingSpecification(),
      stacks: [
        StackSpecification(kind: .encoder, layers: encoder, finalNorm: t5Norm),
        StackSpecification(kind: .decoder, layers: decoder, finalNorm: t5Norm),
      ], head: HeadSpecification(isTied: false))
  }

  private static let t5Norm = NormSpecification(kind: .rms, epsilon: 1e-6)
  private static let t5MLP = MLPSpecification(width: 160, isGated: true, activation: .geluNew, hasBias: false)

  private static func sublayer(_ kind: SublayerSpecification.Kind) -> SublayerSpecification {
    SublayerSpecification(norm: t5Norm, normPlacement: .before, kind: kind)
  }

  private static func selfAttention(isFirst: Bool, mask: AttentionSpecification.Mask) -> SublayerSpecification.Kind {
    .attention(
      attention(
        source: .ownStack, mask: mask,
        position: isFirst ? .relativeBias(buckets: 16, maximumDistance: 32) : .sharedRelativeBias))
  }

  private static func attention(
    source: AttentionSpecification.Source, mask: AttentionSpecification.Mask, position: AttentionSpecification.Position
  ) -> AttentionSpecification {
    AttentionSpecification(
      queryHeads: 4, keyValueHeads: 4, headWidth: 16, scale: 1, source: source, mask: mask, position: position,
      hasInputBias: false, hasOutputBias: false)
  }
}
