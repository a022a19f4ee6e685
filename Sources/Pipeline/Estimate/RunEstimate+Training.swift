internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Transformers

/// Stages that train: a frozen model's passes, step after step, and the exchange of a few gradients.
extension RunEstimate {
  var tuning: PhaseEstimate? {
    workload.tuning.map { stage in
      let units = model.blueprint.prunableLayers.reduce(0) { $0 + $1.attentionUnits + $1.mlpUnits }
      return training(
        "tune", stage, trained: units, students: 1, isGated: true,
        // The teacher's stream runs beside the student's, through the same weights.
        teacherSweeps: 0)
    }
  }

  var recovery: PhaseEstimate? {
    workload.recovery.map { stage in
      training(
        "recover", stage, trained: adapterCount, students: keptShare, isGated: false,
        teacherSweeps: stage.isDistilled ? 1 : 0)
    }
  }

  /// Numbers of the low-rank matrices, of the dense model's widths.
  private var adapterCount: Int {
    let rank = document.recovery.rank
    return model.blueprint.layers.indices.reduce(0) { sum, layer in
      sum
        + model.blueprint.tensors(of: .layer(layer)).filter { $0.shape.count == 2 }
        .reduce(0) { $0 + min(rank, 1 << 20) * ($1.shape[0] + $1.shape[1]) }
    }
  }

  /// A weight costs 2 operations per token forward and 2 for its input's gradient, and 2 where a layer is computed again;
  /// a teacher 2 more. Attention as in ``ScoringArithmetic``.
  ///
  /// - Parameter students: the share of the dense model's layers that is trained.
  private func training(
    _ name: String, _ stage: RunWorkload.Training, trained: Int, students: Double, isGated: Bool, teacherSweeps: Int
  ) -> PhaseEstimate {
    let blueprint = model.blueprint
    let tokens = stage.pass.tokens(ranks: cluster.ranks)
    let memory = TrainingMemory(
      TrainingMemory.Workload(
        Array(repeating: model, count: 1 + teacherSweeps), tokens: tokens, longest: stage.pass.length,
        batchTokens: batchTokens, isDistilled: stage.isDistilled, comparesStates: stage.comparesStates,
        isGated: isGated, trained: trained),
      weights: residence, recompute: document.resources.recompute, limit: document.resources.memoryLimit,
      available: availableBytes)
    let one = ScoringArithmetic(
      blueprint, lengths: [stage.pass.length], objective: .loss, recomputed: memory.keepsActivations ? 0 : 1)
    let sequences = Double(stage.pass.share(ranks: cluster.ranks))
    let rate = cluster.rate * cluster.efficiency
    let forwardOperations = sequences * (one.weights + one.attention)
    let teacher = stage.isDistilled ? 1.0 : 0
    let again = memory.keepsActivations ? 0 : one.weights + one.attention
    let back = sequences * (one.weights + 2.5 * one.attention + again)
    let head = sequences * one.head * (1 + teacher / 2)
    // Kept weights come once, in the first step.
    let source: Weights = memory.keepsWeights ? .memory : weights(memory.account)
    var pass = sweep(forward(layers: (students + teacher) * forwardOperations, head: head, rate: rate), source)
    if teacherSweeps > 0 { pass.add(sweep(forward(layers: 0, head: 0, rate: rate), source, share: students)) }
    pass.add(sweep(backward(layers: students * back, rate: rate), source, share: students))

    var step = PhaseEstimate("")
    step.add(pass, times: Double(stage.accumulation))
    if cluster.ranks > 1 {
      let cost = document.exchange.codec.cost
      let values = 4 * Double(trained)
      let share = Double(cluster.ranks - 1) / Double(cluster.ranks)
      // Two shots: every part to its owner, and the sums to everybody; a node's ranks share its link.
      step.gradientBytes = 2 * share * values / cost.ratio
      let seconds =
        step.gradientBytes * Double(cluster.ranksPerNode) / cluster.transferRate + 2 * values / cost.encodeRate
        + 2 * values / cost.decodeRate
      step.linkSeconds += seconds
      step.seconds += seconds
      step.linkBytes += step.gradientBytes * Double(cluster.ranks) * Double(cluster.nodes - 1) / Double(cluster.nodes)
    }
    var phase = PhaseEstimate(name)
    phase.add(step, times: Double(stage.steps))
    phase.add(firstBroadcasts(isKeeping: memory.keepsWeights), times: Double(1 + teacherSweeps))
    if stage.validation.sequences > 0 {
      let validation = forwardPhase("", stage.validation, share: students, rate: rate, residence: residence)
      phase.add(validation, times: Double(stage.validations))
    }
    phase.take(memory.account)
    return phase
  }
}

/// What a codec makes of float32 gradients: bytes in over bytes out, and bytes per second of one core (docs/results.md).
struct CodecCost {
  let ratio: Double
  let encodeRate: Double
  let decodeRate: Double

  static let exact = CodecCost(ratio: 1.17, encodeRate: 836e6, decodeRate: 2369e6)
  static let bfloat16 = CodecCost(ratio: 2.84, encodeRate: 1252e6, decodeRate: 3272e6)
  static let int8 = CodecCost(ratio: 5.01, encodeRate: 2584e6, decodeRate: 3911e6)
  static let none = CodecCost(ratio: 1, encodeRate: 4896e6, decodeRate: 4674e6)
}

extension ExchangeCodec {
  /// What `auto` will choose is not known beforehand: no compression.
  var cost: CodecCost {
    switch self {
    case .exact: .exact
    case .bf16: .bfloat16
    case .int8: .int8
    case .none, .auto: .none
    }
  }
}

extension ScoringExchange {
  /// nil: the message library's own reduction.
  var cost: CodecCost? {
    switch self {
    case .exact: .exact
    case .bf16: .bfloat16
    case .int8: .int8
    case .none: nil
    }
  }
}
