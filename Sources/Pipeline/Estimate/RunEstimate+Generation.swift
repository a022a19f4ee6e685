internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Transformers

/// Text that the dense model writes: a sweep over all groups for every position, one token of each sequence in it.
extension RunEstimate {
  var generation: PhaseEstimate? {
    guard let text = workload.generation?.text, let prompt = workload.generation?.prompt else { return nil }
    let share = text.share(ranks: cluster.ranks)
    let memory = GenerationMemory(
      model, length: text.length, sequences: share, weights: residence, limit: document.resources.memoryLimit,
      available: availableBytes)
    let rounds = (share + memory.sequences - 1) / memory.sequences
    // The last token is written and never read. The prompt's others need no logits.
    let (withoutLogits, withLogits) = (Double(rounds * (prompt - 1)), Double(rounds * (text.length - prompt)))
    let one = ScoringArithmetic(model.blueprint, lengths: [text.length - 1], objective: .maximumLogit, recomputed: 0)
    let sequences = Double(share) / Double(rounds)
    let groups = forward(
      layers: sequences * (one.weights + one.attention) / Double(text.length - 1),
      head: sequences * 2 * Double(model.blueprint.vocabularySize) * Double(model.blueprint.hiddenSize),
      rate: cluster.rate * cluster.efficiency
    ).map { ($0.group, max($0.seconds, readingSeconds(of: $0.group, isKept: memory.keepsWeights))) }
    let source: Weights = memory.keepsWeights ? .memory : weights(memory.account)
    var phase = PhaseEstimate("generate")
    phase.add(sweep(groups.filter { $0.0 != .head }, source), times: withoutLogits)
    phase.add(sweep(groups, source), times: withLogits)
    phase.add(firstBroadcasts(isKeeping: memory.keepsWeights))
    phase.take(memory.account)
    return phase
  }

  /// Seconds in which a rank reads a group's matrices from memory, and before that makes float32 of what it does not keep: few
  /// tokens multiply faster than that. Of the embedding only rows are read.
  private func readingSeconds(of group: WeightGroup, isKept: Bool) -> Double {
    if group == .embedding { return 0 }
    let widened = Double(float32Bytes(of: group))
    let bytes = cluster.usesBFloat16 ? widened / 2 : isKept ? widened : widened + Double(model.byteCount(of: group))
    return bytes / cluster.readingRate
  }
}
