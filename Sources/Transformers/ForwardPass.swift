public import Blueprints
public import Compute

/// What a caller wants to hear while a pass goes on: layers done, of how many. Every rank hears of the same ones, and what
/// it throws ends the pass.
public typealias PassProgress = (_ done: Int, _ total: Int) throws -> Void

/// Factors for the units of each layer: a plan's mask (1 kept, 0 removed), or gates.
public typealias ModelGates = [LayerGates]

/// One forward sweep of all batches through all layers, layer by layer: each layer's weights are needed once.
public struct ForwardPass {
  private let blueprint: Blueprint
  private let backend: any ComputeBackend
  private let source: any LayerSource
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

  /// The order in which a forward sweep asks for weights.
  public var schedule: [WeightGroup] { blueprint.groups }

  /// Runs the batches and hands each one's last hidden states `[token, hidden]` and the head to `finish`.
  ///
  /// A rank without batches goes through the same schedule, because other ranks wait for the same broadcasts.
  ///
  /// - Throws: ``Overflow`` where hidden states or logits are no finite numbers; what `finish` made of them is none either.
  public func run(
    _ batches: [TokenBatch], gates: ModelGates? = nil, adapters: ModelAdapters = [:], progress: PassProgress? = nil,
    finish: (_ batch: Int, _ stream: Matrix, _ head: HeadPass) throws -> Void
  ) throws {
    try run(batches, variants: [gates], adapters: adapters, progress: progress) { try finish($0, $1[0], $2) }
  }

  /// Runs the batches once for each variant of the units' factors, side by side, so that each layer's weights are needed
  /// once; hands each batch's last hidden states, `[token, hidden]` by variant, and the head to `finish`.
  public func run(
    _ batches: [TokenBatch], variants: [ModelGates?], adapters: ModelAdapters = [:], progress: PassProgress? = nil,
    finish: (_ batch: Int, _ streams: [Matrix], _ head: HeadPass) throws -> Void
  ) throws {
    try source.begin(schedule)
    let rotary = RotaryTables(positions: batches.map(\.layout.longest).max() ?? 0)
    let (steps, count) = (blueprint.layers.count + 1, variants.count)
    let (streams, found) = try sweep(
      batches.flatMap { Array(repeating: $0, count: count) }, rotary: rotary, gates: { variants[$0 % count] },
      adapters: adapters, progress: { try progress?($0, steps) })
    var search = found
    let weights = try source.weights(of: .head)
    if !batches.isEmpty {
      let head = try HeadPass(blueprint, weights: weights, backend: backend)
      for number in batches.indices {
        try finish(number, Array(streams[number * count..<(number + 1) * count]), head)
      }
      search.look(at: head)
    }
    try source.sweepDone(search.first)
    try progress?(steps, steps)
  }

  /// Runs the batches through embedding and layers, and returns each one's last hidden states, and where they overflowed.
  ///
  /// - Parameters:
  ///   - layers: how many, from the first; nil for all.
  ///   - gates: a batch's, by its number.
  ///   - keep: gets every layer's input and inside once its output is known; a gradient needs them again.
  func sweep(
    _ batches: [TokenBatch], layers: Int? = nil, rotary: RotaryTables, gates: (_ batch: Int) -> ModelGates?,
    adapters: ModelAdapters = [:], progress: (_ layersDone: Int) throws -> Void,
    keep: (_ input: Matrix, _ inside: LayerPass.Activations, _ layer: Int, _ batch: Int) throws -> Void = {
      _, _, _, _ in
    }
  ) throws -> (streams: [Matrix], search: OverflowSearch) {
    var search = OverflowSearch(backend, context)
    var streams = try embed(batches)
    for (index, layer) in blueprint.layers.prefix(layers ?? .max).enumerated() {
      let weights = try source.weights(of: .layer(index))
      if !batches.isEmpty {
        let matrices = try GroupMatrices(loading: weights, backend: backend)
        let pass = try LayerPass(layer, backend: backend, rotaryTables: rotary)
        for (number, batch) in batches.enumerated() {
          let input = streams[number]
          let result = try pass.forward(
            input, layout: batch.layout, weights: matrices, gates: gates(number)?[index],
            adapters: adapters.isEmpty ? nil : AppliedAdapters(adapters))
          streams[number] = result.output
          search.look(at: result.output, of: .layer(index))
          try keep(input, result.activations, index, number)
          source.batchDone()
        }
      }
      try progress(index + 1)
    }
    return (streams, search)
  }

  /// Refuses what passes have no arithmetic for outside the layers.
  static func checkSupport(_ blueprint: Blueprint) throws(TransformerError) {
    guard blueprint.stacks.count == 1 else { throw TransformerError.unsupported("more than one stack of layers") }
    guard blueprint.embedding == EmbeddingSpecification() else {
      throw TransformerError.unsupported("an embedding of more than tokens")
    }
  }

  private func embed(_ batches: [TokenBatch]) throws -> [Matrix] {
    try Self.checkSupport(blueprint)
    let weights = try source.weights(of: .embedding)
    let embedding = EmbeddingPass(backend: backend)
    return try batches.map { try embedding.forward($0, weights: weights) }
  }
}
