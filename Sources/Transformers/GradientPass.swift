public import Blueprints
public import Compute

/// The scalar f whose gradient a pass computes (DESIGN §1).
public enum Objective: String, Sendable, CaseIterable {
  /// Mean over sequences and vocabulary of the largest logit over tokens (the NIRVANA paper's code).
  case maximumLogit = "max-logit"
  /// Mean cross-entropy of the next token.
  case loss
}

/// A forward and a backward sweep of all batches through all layers, one layer's weights and gradients alive at a time.
///
/// Of the first layers the forward sweep keeps the input, and the backward sweep computes their inside again from it: 8
/// FLOP per parameter and token. Of the last ones, which the backward sweep comes to first, it keeps the whole inside
/// where memory has room: 6 FLOP. Either way the numbers are the same bits. Besides, memory holds one layer's weights and
/// one layer's gradients.
public struct GradientPass {
  /// What an objective is a mean over: those of all ranks together, so that the sum over ranks is the mean.
  public struct Scope: Sendable, Equatable {
    public var sequences: Int
    public var targets: Int
    public init(sequences: Int, targets: Int) {
      self.sequences = sequences
      self.targets = targets
    }
  }

  /// Whose gradients are wanted.
  public struct Wants: Sendable {
    /// Parts of layers with gradients.
    public var layerParts: Set<TensorPart>
    /// Also of the embedding, the final norm and the output matrix.
    public var embeddingAndHead: Bool
    /// Hand over the gradients of each batch on its own, not of all together.
    public var perBatch: Bool
    public init(layerParts: Set<TensorPart>, embeddingAndHead: Bool = false, perBatch: Bool = false) {
      self.layerParts = layerParts
      self.embeddingAndHead = embeddingAndHead
      self.perBatch = perBatch
    }
  }

  let blueprint: Blueprint
  let backend: any ComputeBackend
  let source: any LayerSource

  public init(blueprint: Blueprint, backend: any ComputeBackend, source: any LayerSource) {
    self.blueprint = blueprint
    self.backend = backend
    self.source = source
  }

  /// The order in which the two sweeps ask for weights.
  public var schedule: [WeightGroup] {
    blueprint.groups + blueprint.layers.indices.reversed().map { .layer($0) }
  }

  /// Runs both sweeps and returns this rank's share of f.
  ///
  /// - Parameters:
  ///   - boundaries: room for the inputs of the layers that are computed again; of those beyond the inside is kept.
  ///   - visit: gets each group's gradients and weights when they are complete: once per layer, from the last to the
  ///     first, also on a rank without batches (zeros; it may have to take part in a reduction); or once per layer and
  ///     batch. The embedding's and head's come last, when wanted.
  public func run(
    _ batches: [TokenBatch], objective: Objective, scope: Scope, wants: Wants, boundaries: BoundaryStore,
    gates: ModelGates? = nil, progress: PassProgress? = nil,
    visit: (_ gradients: GroupMatrices, _ weights: GroupWeights, _ matrices: GroupMatrices?) throws -> Void
  ) throws -> Double {
    let layers = blueprint.layers
    let steps = 3 * layers.count + 1
    try source.begin(schedule)
    let rotary = RotaryTables(positions: batches.map(\.layout.longest).max() ?? 0)
    var insides: [Int: [LayerPass.Activations]] = [:]
    var streams = try ForwardPass(blueprint: blueprint, backend: backend, source: source)
      .sweep(batches, rotary: rotary, gates: { _ in gates }, progress: { progress?($0, steps) }) {
        input, inside, layer, batch in
        if layer < boundaries.layers {
          try boundaries.put(input, layer: layer, batch: batch)
        } else {
          insides[layer, default: []].append(inside)
        }
      }

    let edges = try EdgeGradients(blueprint, backend: backend, isWanted: wants.embeddingAndHead)
    let headWeights = try source.weights(of: .head)
    let value = try objectives(
      batches, objective: objective, scope: scope, head: headWeights, streams: &streams, edges: edges)
    progress?(layers.count + 1, steps)

    for index in layers.indices.reversed() {
      let weights = try source.weights(of: .layer(index))
      let gradients = try GroupMatrices(
        zerosFor: .layer(index), of: blueprint, backend: backend, where: wants.layerParts.contains)
      if !batches.isEmpty {
        let matrices = try GroupMatrices(loading: weights, backend: backend)
        let pass = try LayerPass(layers[index], backend: backend, rotaryTables: rotary)
        // From the first batch on each one's inside is given back as soon as it has been used.
        insides[index]?.reverse()
        for (number, batch) in batches.enumerated() {
          var noGateGradients: [Int: [Double]] = [:]
          let inside =
            try insides[index]?.popLast()
            ?? pass.forward(
              boundaries.take(layer: index, batch: number), layout: batch.layout, weights: matrices,
              gates: gates?[index]
            ).activations
          try pass.backward(
            streams[number], activations: inside, layout: batch.layout, weights: matrices, gates: gates?[index],
            gradients: gradients, gateGradients: &noGateGradients)
          if wants.perBatch {
            try visit(gradients, weights, matrices)
            gradients.clear(backend)
          }
        }
        if !wants.perBatch { try visit(gradients, weights, matrices) }
      } else if !wants.perBatch {
        try visit(gradients, weights, nil)
      }
      progress?(layers.count + 1 + 2 * (layers.count - index), steps)
    }
    if let embedding = edges.embedding, let head = edges.head, let table = edges.table {
      let pass = EmbeddingPass(backend: backend)
      for (number, batch) in batches.enumerated() {
        pass.backward(streams[number], batch: batch, tableGradient: table)
      }
      try visit(embedding, GroupWeights(group: .embedding, tensors: [:]), nil)
      try visit(head, headWeights, nil)
    }
    return value
  }

  /// f over the batches; turns each one's last hidden states into their gradient.
  private func objectives(
    _ batches: [TokenBatch], objective: Objective, scope: Scope, head weights: GroupWeights,
    streams: inout [Matrix], edges: EdgeGradients
  ) throws -> Double {
    guard !batches.isEmpty else { return 0 }
    let head = try HeadPass(blueprint, weights: weights, backend: backend)
    var value = 0.0
    for (number, batch) in batches.enumerated() {
      let stream = streams[number]
      let result =
        switch objective {
        case .maximumLogit:
          try head.maximumLogit(
            stream, batch: batch, scale: 1 / (Float(scope.sequences) * Float(blueprint.vocabularySize)),
            gradients: edges.head)
        case .loss:
          try head.loss(stream, batch: batch, scale: 1 / Float(max(1, scope.targets)), gradients: edges.head)
        }
      value += result.value
      streams[number] = result.gradient
    }
    return value
  }
}

/// Gradients of what stands before the first and after the last layer, when they are wanted.
private struct EdgeGradients {
  let embedding: GroupMatrices?
  let head: GroupMatrices?

  init(_ blueprint: Blueprint, backend: any ComputeBackend, isWanted: Bool) throws {
    embedding = isWanted ? try GroupMatrices(zerosFor: .embedding, of: blueprint, backend: backend) { _ in true } : nil
    head = isWanted ? try GroupMatrices(zerosFor: .head, of: blueprint, backend: backend) { _ in true } : nil
  }

  /// The token embedding's gradient.
  var table: Matrix? { embedding?[TensorRole(.embedding, .tokenEmbedding)] }
}
