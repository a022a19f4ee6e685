import Blueprints

extension Blueprint {
  /// A decoder of one layer with grouped-query attention: 6 query heads on 2 key-value heads of width 4, hidden width 16.
  static func grouped(hasBias: Bool = false, isGated: Bool = true) -> Blueprint {
    let norm = NormSpecification(kind: .rms, epsilon: 1e-5)
    let attention = AttentionSpecification(
      queryHeads: 6, keyValueHeads: 2, headWidth: 4, scale: 0.5, mask: .causal,
      position: .rotary(RotarySpecification(theta: 10_000, scaling: .none)), hasInputBias: hasBias,
      hasOutputBias: hasBias)
    let mlp = MLPSpecification(width: 10, isGated: isGated, activation: .silu, hasBias: hasBias)
    let layer = LayerSpecification(sublayers: [
      SublayerSpecification(norm: norm, normPlacement: .before, kind: .attention(attention)),
      SublayerSpecification(norm: norm, normPlacement: .before, kind: .mlp(mlp)),
    ])
    return Blueprint(
      modelType: "llama", vocabularySize: 32, hiddenSize: 16, maximumPositions: 64,
      embedding: EmbeddingSpecification(),
      stacks: [StackSpecification(kind: .decoder, layers: [layer], finalNorm: norm)],
      head: HeadSpecification(isTied: false))
  }
}
