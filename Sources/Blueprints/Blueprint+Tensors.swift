extension Blueprint {
  /// Every group in the order in which a forward pass needs it.
  public var groups: [WeightGroup] {
    var groups: [WeightGroup] = [.embedding]
    var index = 0
    for (number, stack) in stacks.enumerated() {
      for _ in stack.layers {
        groups.append(.layer(index))
        index += 1
      }
      if number < stacks.count - 1 { groups.append(.encoderEnd) }
    }
    return groups + [.head]
  }

  /// The tensors of a group, in a fixed order. A tied output matrix is among the head's: it is the same tensor as the
  /// embedding's, needed a second time.
  public func tensors(of group: WeightGroup) -> [TensorSpecification] {
    switch group {
    case .embedding: embeddingTensors
    case .layer(let index): layerTensors(index)
    case .encoderEnd: normTensors(stacks[0].finalNorm, group: group, sublayer: 0)
    case .head: headTensors
    }
  }

  private var embeddingTensors: [TensorSpecification] {
    var tensors = [TensorSpecification(TensorRole(.embedding, .tokenEmbedding), shape: [vocabularySize, hiddenSize])]
    if let positions = embedding.learnedPositions {
      tensors.append(TensorSpecification(TensorRole(.embedding, .positionEmbedding), shape: [positions, hiddenSize]))
    }
    if let types = embedding.tokenTypes {
      tensors.append(TensorSpecification(TensorRole(.embedding, .tokenTypeEmbedding), shape: [types, hiddenSize]))
    }
    return tensors + normTensors(embedding.norm, group: .embedding, sublayer: 0)
  }

  private var headTensors: [TensorSpecification] {
    var tensors = normTensors(stacks.last?.finalNorm, group: .head, sublayer: 0)
    if let transform = head.transform {
      tensors += [
        TensorSpecification(TensorRole(.head, .transformWeight), shape: [hiddenSize, hiddenSize]),
        TensorSpecification(TensorRole(.head, .transformBias), shape: [hiddenSize]),
        TensorSpecification(TensorRole(.head, .transformNormWeight), shape: [hiddenSize]),
      ]
      if transform.norm.kind == .layer {
        tensors.append(TensorSpecification(TensorRole(.head, .transformNormBias), shape: [hiddenSize]))
      }
    }
    tensors.append(TensorSpecification(TensorRole(.head, .headWeight), shape: [vocabularySize, hiddenSize]))
    if head.hasBias { tensors.append(TensorSpecification(TensorRole(.head, .headBias), shape: [vocabularySize])) }
    return tensors
  }

  private func layerTensors(_ index: Int) -> [TensorSpecification] {
    var tensors: [TensorSpecification] = []
    for (sublayer, specification) in layers[index].sublayers.enumerated() {
      // Where nothing reads the normed stream, the norm before the branch is not needed.
      if !specification.isAbsent || specification.normPlacement == .after {
        tensors += normTensors(specification.norm, group: .layer(index), sublayer: sublayer)
      }
      let shapes =
        switch specification.kind {
        case .attention(let attention): attention.tensorShapes(hiddenSize: hiddenSize)
        case .mlp(let mlp): mlp.tensorShapes(hiddenSize: hiddenSize)
        }
      tensors += shapes.map { part, shape in
        TensorSpecification(TensorRole(.layer(index), sublayer: sublayer, part), shape: shape)
      }
    }
    return tensors
  }

  private func normTensors(_ norm: NormSpecification?, group: WeightGroup, sublayer: Int) -> [TensorSpecification] {
    guard let norm else { return [] }
    let parts: [TensorPart] = norm.kind == .layer ? [.normWeight, .normBias] : [.normWeight]
    return parts.map { TensorSpecification(TensorRole(group, sublayer: sublayer, $0), shape: [hiddenSize]) }
  }
}

extension AttentionSpecification {
  /// The projections' shapes, in the order query, key, value, output, each weight before its bias. Without heads only the
  /// output bias is left, which belongs to no unit.
  public func tensorShapes(hiddenSize: Int) -> [(part: TensorPart, shape: [Int])] {
    guard keyValueHeads > 0 else { return hasOutputBias ? [(.outputBias, [hiddenSize])] : [] }
    let (queries, keys) = (queryHeads * headWidth, keyValueHeads * headWidth)
    var shapes: [(part: TensorPart, shape: [Int])] = []
    for (weight, bias, rows) in [
      (TensorPart.queryWeight, TensorPart.queryBias, queries), (.keyWeight, .keyBias, keys),
      (.valueWeight, .valueBias, keys),
    ] {
      shapes.append((weight, [rows, hiddenSize]))
      if hasInputBias { shapes.append((bias, [rows])) }
    }
    shapes.append((.outputWeight, [hiddenSize, queries]))
    if hasOutputBias { shapes.append((.outputBias, [hiddenSize])) }
    if case .relativeBias(let buckets, _) = position { shapes.append((.relativePositionBias, [buckets, queryHeads])) }
    return shapes
  }
}

extension MLPSpecification {
  /// The projections' shapes, in the order gate, up, down, each weight before its bias. Without neurons only down's bias is
  /// left, which belongs to no unit.
  public func tensorShapes(hiddenSize: Int) -> [(part: TensorPart, shape: [Int])] {
    guard width > 0 else { return hasBias ? [(.downBias, [hiddenSize])] : [] }
    var shapes: [(part: TensorPart, shape: [Int])] = []
    if isGated {
      shapes.append((.gateWeight, [width, hiddenSize]))
      if hasBias { shapes.append((.gateBias, [width])) }
    }
    shapes.append((.upWeight, [width, hiddenSize]))
    if hasBias { shapes.append((.upBias, [width])) }
    shapes.append((.downWeight, [hiddenSize, width]))
    if hasBias { shapes.append((.downBias, [hiddenSize])) }
    return shapes
  }
}
