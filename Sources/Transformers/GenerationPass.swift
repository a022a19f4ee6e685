public import Blueprints
internal import Compute

/// Lets a model write: sequences that start with prompts, and go on token by token as `next` chooses from the logits.
///
/// All sequences go through each layer together, one token each, with the keys and values of earlier tokens kept: a token
/// costs 2 FLOP per parameter, and reading the weights is shared by all sequences.
public struct GenerationPass {
  private let weights: WidenedWeights
  private var blueprint: Blueprint { weights.blueprint }

  public init(_ weights: WidenedWeights) { self.weights = weights }

  /// The bytes that one token of one sequence takes in all layers' caches of keys and values.
  public static func cacheBytesPerToken(_ blueprint: Blueprint) -> Int {
    blueprint.layers.reduce(0) { $0 + KeyValueCache.bytesPerToken($1) }
  }

  /// Continues each prompt to `length` tokens.
  ///
  /// Every rank calls it with the same two lengths and, where it has no sequence, without prompts: ranks may wait for the
  /// same broadcasts of weights at every position.
  ///
  /// - Parameters:
  ///   - prompts: of `promptLength` tokens each, at least one; tokens of the vocabulary.
  ///   - length: of a sequence with its prompt.
  ///   - progress: hears of each position, of `length` − 1.
  ///   - next: chooses a token of the vocabulary by its logits `[vocabulary]`; gets the number of its prompt, and the
  ///     position that the token will have in its sequence, from `promptLength` up. Called in order of positions, and of
  ///     prompts within one.
  /// - Returns: the sequences, prompts included, in the order of the prompts.
  /// - Throws: ``TransformerError`` for a model that cannot write left to right; `ComputeError` without memory;
  ///   ``Overflow`` where hidden states are no finite numbers; what weights, `progress` and `next` throw.
  public func run(
    _ prompts: [[Int32]], promptLength: Int, length: Int, progress: PassProgress? = nil,
    next: (_ sequence: Int, _ position: Int, _ logits: Span<Float>) throws -> Int32
  ) throws -> [[Int32]] {
    precondition(promptLength > 0 && prompts.allSatisfy { $0.count == promptLength }, "prompts of another length")
    precondition(length >= promptLength, "prompts longer than the sequences")
    try checkSupport()
    guard length > promptLength else { return prompts }
    // The last token is written and never read.
    let steps = length - 1
    let tables = RotaryTables(positions: steps)
    let layers = try blueprint.layers.map { layer throws in
      try LayerPass(layer, backend: weights.backend, rotaryTables: tables)
    }
    let caches =
      try prompts.isEmpty ? [] : layers.map { try $0.makeCaches(sequences: prompts.count, length: steps) }
    var sequences = prompts
    for position in 0..<steps {
      let isWithinPrompt = position + 1 < promptLength
      try weights.begin(blueprint.groups.filter { $0 != .head || !isWithinPrompt })
      let (stream, overflow) = try step(
        sequences.map { $0[position] }, position: position, layers: layers, caches: caches)
      try weights.sweepDone(overflow)
      if !isWithinPrompt {
        let head = try weights.headPass(isNeeded: stream != nil)
        if let head, let stream {
          try forEachLogits(of: stream, head: head) { sequence, logits in
            let token = try next(sequence, position + 1, logits)
            precondition(0..<blueprint.vocabularySize ~= Int(token), "a token outside of the vocabulary")
            sequences[sequence].append(token)
          }
        }
      }
      try progress?(position + 1, steps)
    }
    return sequences
  }

  /// The hidden states `[sequence, hidden]` of the tokens at one position after all layers, and where they overflowed; nil
  /// for a rank without any, which goes through the same groups of weights.
  private func step(
    _ tokens: [Int32], position: Int, layers: [LayerPass], caches: [[KeyValueCache?]]
  ) throws -> (stream: Matrix?, overflow: Overflow?) {
    var search = OverflowSearch(weights.backend, .model)
    let embedding = try weights.stored(.embedding)
    var stream =
      try tokens.isEmpty
      ? nil
      : EmbeddingPass(backend: weights.backend)
        .forward(TokenBatch(nextTokenOf: tokens.map { [$0] }), weights: embedding)
    for (index, layer) in layers.enumerated() {
      let matrices = try weights.matrices(.layer(index), isNeeded: stream != nil)
      if let matrices, let before = stream {
        let output = try layer.step(before, position: position, weights: matrices, caches: caches[index])
        search.look(at: output, of: .layer(index))
        stream = output
      }
    }
    return (stream, search.first)
  }

  /// Hands over the logits of each row of `stream`, with no more of them in memory than the head allows itself.
  private func forEachLogits(
    of stream: Matrix, head: HeadPass, _ body: (_ row: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    let most = max(1, HeadPass.elementBudget / blueprint.vocabularySize)
    var values = [Float](repeating: 0, count: blueprint.vocabularySize)
    for start in stride(from: 0, to: stream.rows, by: most) {
      let rows = start..<min(start + most, stream.rows)
      let logits = try head.logits(stream.rows(rows))
      for row in rows {
        var span = values.mutableSpan
        weights.backend.read(logits.rows(row - start..<row - start + 1), into: &span)
        try body(row, values.span)
      }
    }
  }

  private func checkSupport() throws(TransformerError) {
    try ForwardPass.checkSupport(blueprint)
    for sublayer in blueprint.layers.flatMap(\.sublayers) {
      guard case .attention(let attention) = sublayer.kind, attention.mask == .full else { continue }
      throw TransformerError.unsupported("attention to later tokens where text is written")
    }
  }
}
