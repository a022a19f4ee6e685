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
/// The forward sweep keeps each layer's input; the backward sweep computes a layer's inside again from it. So a layer
/// costs 8 FLOP per parameter and token, and memory holds boundaries, one layer's weights and one layer's gradients.
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
  ///   - boundaries: room for `layers + 1` boundaries of each batch.
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
    try forward(batches, boundaries: boundaries, rotary: rotary, gates: gates) { progress?($0, steps) }

    let edges = try EdgeGradients(blueprint, backend: backend, isWanted: wants.embeddingAndHead)
    let headWeights = try source.weights(of: .head)
    var (value, streams) = try objectives(
      batches, objective: objective, scope: scope, head: headWeights, boundaries: boundaries, edges: edges)
    progress?(layers.count + 1, steps)

    for index in layers.indices.reversed() {
      let weights = try source.weights(of: .layer(index))
      let gradients = try GroupMatrices(
        zerosFor: .layer(index), of: blueprint, backend: backend, where: wants.layerParts.contains)
      if !batches.isEmpty {
        let matrices = try GroupMatrices(loading: weights, backend: backend)
        let pass = try LayerPass(layers[index], backend: backend, rotaryTables: rotary)
        for (number, batch) in batches.enumerated() {
          let input = try boundaries.take(layer: index, batch: number)
          var noGateGradients: [Int: [Double]] = [:]
          let kept = try pass.forward(input, layout: batch.layout, weights: matrices, gates: gates?[index]).activations
          try pass.backward(
            streams[number], activations: kept, layout: batch.layout, weights: matrices, gates: gates?[index],
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
    streams = []
    return value
  }

  private func forward(
    _ batches: [TokenBatch], boundaries: BoundaryStore, rotary: RotaryTables, gates: ModelGates?,
    progress: (Int) -> Void
  ) throws {
    let streams = try ForwardPass(blueprint: blueprint, backend: backend, source: source)
      .sweep(batches, rotary: rotary, gates: { _ in gates }, progress: progress) { input, layer, batch in
        try boundaries.put(input, layer: layer, batch: batch)
      }
    for (number, stream) in streams.enumerated() {
      try boundaries.put(stream, layer: blueprint.layers.count, batch: number)
    }
  }

  /// f over the batches and the gradient of each one's last hidden states.
  private func objectives(
    _ batches: [TokenBatch], objective: Objective, scope: Scope, head weights: GroupWeights,
    boundaries: BoundaryStore, edges: EdgeGradients
  ) throws -> (value: Double, gradients: [Matrix]) {
    guard !batches.isEmpty else { return (0, []) }
    let head = try HeadPass(blueprint, weights: weights, backend: backend)
    var value = 0.0
    var gradients: [Matrix] = []
    for (number, batch) in batches.enumerated() {
      let stream = try boundaries.take(layer: blueprint.layers.count, batch: number)
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
      gradients.append(result.gradient)
    }
    return (value, gradients)
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
