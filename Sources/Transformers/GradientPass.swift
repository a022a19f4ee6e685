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
  private let context: Overflow.Context

  /// - Parameter context: what is told when numbers overflow.
  public init(
    blueprint: Blueprint, backend: any ComputeBackend, source: any LayerSource, context: Overflow.Context = .model
  ) {
    self.blueprint = blueprint
    self.backend = backend
    self.source = source
    self.context = context
  }

  /// Where a pass is when all gradients of a layer are complete.
  public struct Point {
    /// The layer; those after it are done too.
    public let layer: Int
    /// This rank's share of f; 0 in a pass that began below a layer.
    public let value: Double
    /// ∂f/∂(the layer's input), `[token, hidden]` by batch. The next layer's pass changes them in place.
    public let streams: [Matrix]
  }

  /// The order in which the two sweeps ask for weights, when the layers from `top` on are done.
  private func schedule(below top: Int?) -> [WeightGroup] {
    let top = top ?? blueprint.layers.count
    return (top < blueprint.layers.count ? [.embedding] + (0..<top).map { .layer($0) } : blueprint.groups)
      + (0..<top).reversed().map { .layer($0) }
  }

  /// Runs both sweeps and returns this rank's share of f.
  ///
  /// - Parameters:
  ///   - boundaries: room for the inputs of the layers that are computed again; of those beyond the inside is kept.
  ///   - top: where an earlier pass came to, so that this one goes on below: its layer, at least 1, whose
  ///     ``Point/streams`` are in `boundaries` as the inputs of that layer. The forward sweep ends before it, and there
  ///     is neither f nor a gradient of the head. nil: nothing was done before.
  ///   - layerDone: hears of every layer of the backward sweep, when nothing of its inside is held any longer, on a rank
  ///     without batches too; what it throws ends the pass.
  ///   - visit: gets each group's gradients and weights when they are complete: once per layer, from the last to the
  ///     first, also on a rank without batches (zeros; it may have to take part in a reduction); or once per layer and
  ///     batch. The embedding's and head's come last, when wanted, without weights.
  /// - Throws: ``Overflow`` before the backward sweep where hidden states or logits are no finite numbers.
  public func run(
    _ batches: [TokenBatch], objective: Objective, scope: Scope, wants: Wants, boundaries: BoundaryStore,
    below top: Int? = nil, gates: ModelGates? = nil, progress: PassProgress? = nil,
    layerDone: ((Point) throws -> Void)? = nil,
    visit: (_ gradients: GroupMatrices, _ weights: GroupWeights, _ matrices: GroupMatrices?) throws -> Void
  ) throws -> Double {
    let count = top ?? blueprint.layers.count
    precondition(top == nil || (count > 0 && boundaries.layers == count + 1), "streams lie where the pass goes on")
    precondition(top == nil || !wants.embeddingAndHead, "the head's gradients came with those of the layers after")
    let steps = 3 * count + (top == nil ? 1 : 0)
    try source.begin(schedule(below: top))
    let rotary = RotaryTables(positions: batches.map(\.layout.longest).max() ?? 0)
    var insides: [Int: [LayerPass.Activations]] = [:]
    var (streams, search) = try ForwardPass(blueprint: blueprint, backend: backend, source: source, context: context)
      .sweep(batches, layers: count, rotary: rotary, gates: { _ in gates }, progress: { try progress?($0, steps) }) {
        input, inside, layer, batch in
        if layer < boundaries.layers {
          try boundaries.put(input, layer: layer, batch: batch)
        } else {
          insides[layer, default: []].append(inside)
        }
      }

    let edges = try EdgeGradients(blueprint, backend: backend, isWanted: wants.embeddingAndHead)
    var value = 0.0
    if let top {
      for number in streams.indices { streams[number] = try boundaries.take(layer: top, batch: number) }
    } else {
      value = try objectives(
        batches, objective: objective, scope: scope, head: try source.weights(of: .head), streams: &streams,
        edges: edges, search: &search)
    }
    try source.sweepDone(search.first)
    if top == nil { try progress?(count + 1, steps) }

    for layer in (0..<count).reversed() {
      var kept = insides.removeValue(forKey: layer) ?? []
      try backward(
        layer, batches, streams: streams, insides: &kept, rotary: rotary, wants: wants, boundaries: boundaries,
        gates: gates?[layer], visit: visit)
      try layerDone?(Point(layer: layer, value: value, streams: streams))
      try progress?(steps - 2 * layer, steps)
    }
    if let embedding = edges.embedding, let head = edges.head, let table = edges.table {
      let pass = EmbeddingPass(backend: backend)
      for (number, batch) in batches.enumerated() {
        pass.backward(streams[number], batch: batch, tableGradient: table)
      }
      try visit(embedding, GroupWeights(group: .embedding, tensors: [:]), nil)
      try visit(head, GroupWeights(group: .head, tensors: [:]), nil)
    }
    return value
  }

  /// Takes the streams' gradients, in place, from a layer's output to its input, and uses up the insides that were kept.
  private func backward(
    _ layer: Int, _ batches: [TokenBatch], streams: [Matrix], insides: inout [LayerPass.Activations],
    rotary: RotaryTables, wants: Wants, boundaries: BoundaryStore, gates: LayerGates?,
    visit: (_ gradients: GroupMatrices, _ weights: GroupWeights, _ matrices: GroupMatrices?) throws -> Void
  ) throws {
    let weights = try source.weights(of: .layer(layer))
    let gradients = try GroupMatrices(
      zerosFor: .layer(layer), of: blueprint, backend: backend, where: wants.layerParts.contains)
    guard !batches.isEmpty else {
      if !wants.perBatch { try visit(gradients, weights, nil) }
      return
    }
    let matrices = try GroupMatrices(loading: weights, backend: backend)
    let pass = try LayerPass(blueprint.layers[layer], backend: backend, rotaryTables: rotary)
    // From the first batch on each one's inside is given back as soon as it has been used.
    insides.reverse()
    for (number, batch) in batches.enumerated() {
      var noGateGradients: [Int: [Double]] = [:]
      let inside =
        try insides.popLast()
        ?? pass.forward(
          boundaries.take(layer: layer, batch: number), layout: batch.layout, weights: matrices, gates: gates
        ).activations
      try pass.backward(
        streams[number], activations: inside, layout: batch.layout, weights: matrices, gates: gates,
        gradients: gradients, gateGradients: &noGateGradients)
      if wants.perBatch {
        try visit(gradients, weights, matrices)
        gradients.clear(backend)
      }
      source.batchDone()
    }
    if !wants.perBatch { try visit(gradients, weights, matrices) }
  }

  /// f over the batches; turns each one's last hidden states into their gradient.
  private func objectives(
    _ batches: [TokenBatch], objective: Objective, scope: Scope, head weights: GroupWeights,
    streams: inout [Matrix], edges: EdgeGradients, search: inout OverflowSearch
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
      source.batchDone()
    }
    search.look(at: head)
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
