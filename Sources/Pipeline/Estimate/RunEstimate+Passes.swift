internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Transformers

/// Sweeps over the layers: time = Σ over groups of max(compute, transfer), and reductions after them.
extension RunEstimate {
  /// How a sweep gets the weights that it needs.
  enum Weights {
    /// From their owners, or from files that are read again in every sweep, or from memory.
    case broadcast, disk, memory
  }

  func weights(_ account: MemoryAccount) -> Weights {
    if cluster.broadcasts { return cluster.ranks > 1 ? .broadcast : .memory }
    return staysInMemory(account) ? .memory : .disk
  }

  /// A sweep over groups in order.
  ///
  /// - Parameters:
  ///   - seconds: of computation that each takes on the rank that has most to do.
  ///   - share: of the groups' bytes, where the model is smaller than the dense one.
  func sweep(_ groups: [(group: WeightGroup, seconds: Double)], _ weights: Weights, share: Double = 1) -> PhaseEstimate
  {
    var result = PhaseEstimate("")
    for (group, compute) in groups {
      let bytes = Int(Double(model.byteCount(of: group)) * share)
      let transfer =
        switch weights {
        case .broadcast: cluster.broadcastSeconds(bytes)
        case .disk: Double(bytes) / cluster.diskRate
        case .memory: 0.0
        }
      result.seconds += max(compute, transfer)
      result.computeSeconds += compute
      switch weights {
      case .broadcast:
        result.linkSeconds += transfer
        result.broadcastBytes += Double(bytes)
        result.linkBytes += Double(bytes) * Double(cluster.nodes - 1)
      case .disk:
        result.diskSeconds += transfer
        result.readBytes += Double(bytes) * Double(cluster.nodes)
      case .memory: break
      }
    }
    return result
  }

  /// The broadcasts, before everything else, of weights that memory then keeps for a whole phase.
  func firstBroadcasts(isKeeping: Bool) -> PhaseEstimate {
    guard isKeeping, cluster.broadcasts, cluster.ranks > 1 else { return PhaseEstimate("") }
    return sweep(model.blueprint.groups.map { ($0, 0) }, .broadcast)
  }

  /// Groups in the order of a forward sweep, of so many operations in the layers and in the head.
  func forward(layers: Double, head: Double, rate: Double) -> [(group: WeightGroup, seconds: Double)] {
    let shares = layerShares()
    return model.blueprint.groups.map { group in
      switch group {
      case .layer(let index): (group, layers * shares[index] / rate)
      case .head: (group, head / rate)
      default: (group, 0)
      }
    }
  }

  /// The layers alone, from the last to the first.
  func backward(layers: Double, rate: Double) -> [(group: WeightGroup, seconds: Double)] {
    let shares = layerShares()
    return shares.indices.reversed().map { (.layer($0), layers * shares[$0] / rate) }
  }

  /// Every rank reads what it owns; without owners every node reads all.
  var load: PhaseEstimate {
    var phase = PhaseEstimate("load")
    var account = MemoryAccount()
    account[.weightsHeld] = residence.held(model)
    phase.take(account)
    let ranks = cluster.broadcasts ? min(cluster.ranksPerNode, cluster.ranks) : 1
    let perNode = min(
      Double(model.byteCount), Double(cluster.broadcasts ? residence.held(model) : model.byteCount) * Double(ranks))
    phase.diskSeconds = perNode / cluster.diskRate
    phase.seconds = phase.diskSeconds
    phase.readBytes = Double(model.byteCount) * Double(cluster.broadcasts ? 1 : cluster.nodes)
    return phase
  }

  /// Scores of every candidate, and again between stages of tuning.
  var scoring: PhaseEstimate {
    var phase = PhaseEstimate("score")
    guard let text = workload.calibration else {
      // Each rank reads and adds its own layers.
      phase.computeSeconds = Double(model.parameterCount) / Double(cluster.ranks) * 8 / Cluster.memoryRate
      phase.seconds = phase.computeSeconds
      phase.take(MemoryAccount())
      return phase
    }
    phase.add(scoringPass(text), times: Double(workload.candidates + workload.rescorings))
    return phase
  }

  /// What a scoring pass does on the rank that has most, group by group: forward, then back through the layers.
  struct ScoringSchedule {
    var forward: [(group: WeightGroup, seconds: Double)]
    var backward: [(group: WeightGroup, seconds: Double)]
    let account: MemoryAccount
  }

  func scoringSchedule(_ text: RunWorkload.Text) -> ScoringSchedule {
    let blueprint = model.blueprint
    let section = document.scoring
    let objective: Objective = section.objective == .loss ? .loss : .maximumLogit
    let isAbsolute = section.accumulation == .absolute
    let count = text.share(ranks: cluster.ranks)
    let plan = MemoryPlan(
      model,
      MemoryPlan.Workload(
        sequences: count, length: text.length, batchTokens: isAbsolute ? text.length : batchTokens,
        objective: objective, summingRanks: isAbsolute ? 1 : cluster.ranks),
      weights: residence, recompute: document.resources.recompute, limit: document.resources.memoryLimit,
      available: availableBytes)
    let layers = Double(blueprint.layers.count)
    let one = ScoringArithmetic(
      blueprint, lengths: [text.length], objective: objective, recomputed: (layers - Double(plan.keptLayers)) / layers)
    let sequences = Double(count)
    let operations = one.weights + one.attention
    let rate = cluster.rate * cluster.efficiency
    // A layer's gradients are cleared and read once, or once per sequence.
    let memory = (isAbsolute ? sequences : 1) * 2 / Cluster.memoryRate
    return ScoringSchedule(
      forward: forward(layers: sequences * operations, head: sequences * one.head, rate: rate),
      backward: backward(layers: sequences * (one.done - one.head - operations), rate: rate)
        .map { ($0.group, $0.seconds + memory * Double(float32Bytes(of: $0.group))) },
      account: plan.account)
  }

  /// One scoring pass: forward and backward, and the gradients' way to the layers' owners.
  private func scoringPass(_ text: RunWorkload.Text) -> PhaseEstimate {
    let schedule = scoringSchedule(text)
    let source = weights(schedule.account)
    var phase = sweep(schedule.forward, source)
    phase.add(sweep(schedule.backward, source))
    phase.take(schedule.account)
    let section = document.scoring
    guard section.accumulation != .absolute, cluster.ranks > 1 else { return phase }
    let gradients = schedule.backward.reduce(0.0) { $0 + Double(float32Bytes(of: $1.group)) }
    let codec = section.exchange.cost
    let seconds: Double
    if let codec {
      // Every rank sends its own to the owner, who decodes and adds one after another.
      let others = Double(cluster.ranks - 1)
      seconds =
        gradients / codec.encodeRate + others * gradients / codec.ratio / cluster.transferRate
        + others * gradients / codec.decodeRate
    } else {
      seconds = cluster.reductionSeconds(Int(gradients))
    }
    phase.linkSeconds += seconds
    phase.seconds += seconds
    phase.gradientBytes = gradients / (codec?.ratio ?? 1)
    phase.linkBytes += phase.gradientBytes * Double(cluster.nodes - 1)
    return phase
  }

  /// Bytes of a group's weights, or of their gradients, in float32.
  func float32Bytes(of group: WeightGroup) -> Int {
    model.blueprint.tensors(of: group).reduce(0) { $0 + $1.shape.reduce(4, *) }
  }

  /// The forward pass of every candidate's mask beside the dense model's, on the held-out text.
  var selection: PhaseEstimate {
    var text = workload.heldOut
    text.sequences *= min(workload.candidates, 1 << 20) + 1
    return perplexity("select", text, isPruned: false)
  }

  /// Perplexity of the dense model, or of what is left of it.
  func perplexity(_ name: String, _ text: RunWorkload.Text, isPruned: Bool) -> PhaseEstimate {
    forwardPhase(
      name, text, share: isPruned ? keptShare : 1, rate: cluster.measuringRate * Cluster.measuringEfficiency,
      residence: measuringResidence)
  }

  /// Forward passes over a text, in rounds whose hidden states fit.
  func forwardPhase(
    _ name: String, _ text: RunWorkload.Text, share: Double, rate: Double, residence: WeightResidence
  ) -> PhaseEstimate {
    let blueprint = model.blueprint
    let tokens = text.tokens(ranks: cluster.ranks)
    let perRound = max(text.length, EvaluateStage.roundTokens / max(1, text.length) * text.length)
    let rounds = max(1, (tokens + perRound - 1) / max(1, perRound))
    let account = forwardAccount(
      tokens: min(tokens, perRound), batchTokens: min(tokens, max(text.length, batchTokens)), longest: text.length,
      residence: residence)
    let one = ScoringArithmetic(blueprint, lengths: [text.length], objective: .maximumLogit, recomputed: 0)
    let sequences = Double(text.share(ranks: cluster.ranks)) / Double(rounds)
    let head = 2 * Double(blueprint.vocabularySize) * Double(blueprint.hiddenSize) * Double(text.length)
    let round = sweep(
      forward(layers: share * sequences * (one.weights + one.attention), head: sequences * head, rate: rate),
      weights(account), share: share)
    var phase = PhaseEstimate(name)
    phase.add(round, times: Double(rounds))
    phase.take(account)
    return phase
  }

  /// What a rank holds in a forward pass.
  private func forwardAccount(
    tokens: Int, batchTokens: Int, longest: Int, residence: WeightResidence
  ) -> MemoryAccount {
    let blueprint = model.blueprint
    let layers = blueprint.layers.map { LayerFootprint($0, hiddenSize: blueprint.hiddenSize, isGated: false) }
    let head = HeadPass.Footprint(blueprint, tokens: batchTokens, rows: batchTokens)
    var account = MemoryAccount()
    account[.weightsHeld] = residence.held(model)
    account[.weightsInFlight] = residence.inFlight(model)
    account[.streams] = MemoryAccount.floats(tokens * blueprint.hiddenSize)
    account[.roundedFactors] = residence.roundedFactors(layers, batchTokens: batchTokens, logits: 0)
    account[.layerWeights] = blueprint.layers.indices.map { residence.widened(model, layer: $0) }.max() ?? 0
    account[.inside] = MemoryAccount.floats(
      batchTokens * (layers.map(\.insidePerToken).max() ?? 0)
        + longest * (layers.map(\.attentionPerPosition).max() ?? 0) / 2)
    account[.head] = residence.head(model, head, logits: 1)
    return account
  }

  /// Reading what is there and writing what is left, each node its share.
  func repacking(_ name: String) -> PhaseEstimate {
    let blueprint = model.blueprint
    let prunable = blueprint.prunableLayers.reduce(0.0) { sum, layer in
      sum
        + Double(layer.attentionUnits * layer.attentionParametersPerUnit + layer.mlpUnits * layer.mlpParametersPerUnit)
    }
    let bytes = Double(model.byteCount)
    let removed = document.allocation.sparsity * prunable / Double(max(1, model.parameterCount)) * bytes
    var phase = PhaseEstimate(name)
    phase.readBytes = name == "repack" && workload.recovery != nil ? bytes - removed : bytes
    phase.writtenBytes = bytes - removed
    phase.diskSeconds = (phase.readBytes + phase.writtenBytes) / cluster.diskRate / Double(cluster.nodes)
    phase.seconds = phase.diskSeconds
    phase.take(MemoryAccount())
    return phase
  }
}
