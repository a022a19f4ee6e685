internal import Architectures
internal import Artifacts
internal import Communication

/// What a run is expected to take, told by its report beside what it took.
extension Run {
  /// The estimate for these ranks, with the speed of their products as measured now. Links and disks are not measured:
  /// 10 Gb/s between hosts and 1 GB/s are assumed. Collective.
  static func estimate(_ inputs: Inputs, resources: Resources, session: Session) throws -> RunEstimate {
    let rates = try ProductRates(resources, session: session)
    let (ranks, nodes) = (session.communicator.size, resources.hosts.count)
    let ranksPerNode = (ranks + nodes - 1) / nodes
    // The host that has least decides, so that all ranks foretell the same.
    let available = -(try session.communicator.maximum(of: -Double(resources.availableBytes)))
    let cluster = Cluster(
      nodes: nodes, ranksPerNode: ranksPerNode, cores: resources.threads, measuringRate: rates.measuringRate,
      rate: rates.rate,
      usesBFloat16: resources.usesBFloat16, linkRate: 1.25e9, diskRate: 1e9,
      memory: Int(min(available * Double(ranksPerNode), 0x1p62)), collectives: .openMPI,
      broadcasts: resources.broadcasts)
    return try RunEstimate(
      inputs.model.shape, document: inputs.document, workload: RunWorkload(inputs), cluster: cluster,
      isCut: inputs.isCut)
  }
}

extension PhaseRecorder {
  /// Expects what an estimate says of phases.
  func expect(_ estimate: RunEstimate) {
    for phase in estimate.phases { predictions[phase.name] = phase }
    // What single verbs measure is of the size of the model as it is.
    for name in ["evaluate", "evaluate masked", "evaluate before"] {
      predictions[name] = predictions["evaluate dense"]
    }
  }

  /// Bytes that all ranks were expected to move in the phases that ran: of weights, and of what training exchanges. nil
  /// where nothing is expected to move.
  func predictedTraffic(ranks: Int) -> Int? {
    let bytes = names.compactMap { predictions[$0] }.reduce(0.0) { sum, phase in
      sum + phase.broadcastBytes + (phase.name == "score" ? 0 : phase.gradientBytes)
    }
    return bytes > 0 ? Int(min(bytes * Double(ranks), 0x1p62)) : nil
  }
}
