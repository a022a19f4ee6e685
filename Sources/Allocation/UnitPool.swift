/// One of the two pools, attention or MLP: which units go first, in a fixed order of steps.
///
/// A layer's units, ranked by (score, index), are cut into blocks, so that after any number of steps the layer keeps a
/// multiple of `multiple` units and never fewer than `min(multiple, units)`: the first block has `units % multiple`
/// units, the others `multiple`. A block costs the mean score of its units; along one layer's ranking costs never fall,
/// so taking blocks by (cost, layer, rank) removes the least total score that any choice of that many blocks could, and
/// respects every layer's order. What k steps remove, k + 1 steps remove too: plans of one pool are nested.
struct UnitPool {
  /// A run of one layer's ranking that goes as a whole.
  private struct Block {
    var layer: Int
    /// The layer's removed units once this block is gone.
    var removed: Int
    var cost: Double
  }

  /// One layer's scores and the parameters of one of its units.
  struct Layer {
    var scores: [Float]
    var parametersPerUnit: Int
  }

  /// A share of a pool, kept as the two integers it is the ratio of: their use needs no rounding before the last step.
  struct Share {
    var numerator: Int
    var denominator: Int
  }

  /// `[layer][rank]`: unit indices by (score, index).
  private let rankings: [[Int]]
  private let blocks: [Block]
  /// `[steps + 1]`: how many blocks the first k steps take.
  private var blockCounts: [Int] = [0]
  /// `[steps + 1]`: parameters that the first k steps remove, strictly rising.
  private(set) var parameters: [Int] = [0]
  /// `[steps]`: the share of the pool's units (`global`), or of each layer's (`uniform`), gone after a step.
  private(set) var shares: [Share] = []

  /// Number of steps until every layer is at its floor.
  var steps: Int { shares.count }
  /// Parameters of all that may be removed.
  var removable: Int { parameters.last ?? 0 }

  /// Orders a pool's steps. The caller has checked that scores are finite and that parameter sums fit.
  init(_ layers: [Layer], multiple: Int, method: AllocationSettings.Method) {
    let rankings = layers.map { Self.ranking($0.scores) }
    self.rankings = rankings
    let blocks = layers.indices.flatMap { index in
      Self.blocks(of: layers[index], ranking: rankings[index], index: index, multiple: multiple)
    }
    switch method {
    case .global:
      // Stable order: ties fall to the lower layer, then to the lower rank.
      self.blocks = blocks.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
        .map(\.element)
      appendGlobalSteps(layers)
    case .uniform:
      let share = blocks.map { Double($0.removed) / Double(rankings[$0.layer].count) }
      let order = blocks.indices.sorted { (share[$0], $0) < (share[$1], $1) }
      self.blocks = order.map { blocks[$0] }
      appendUniformSteps(layers, shares: order.map { share[$0] })
    }
  }

  /// `[layer]`: ascending indices of the units left after `count` steps.
  func kept(after count: Int) -> [[Int]] {
    var removed = [Int](repeating: 0, count: rankings.count)
    for block in blocks[..<blockCounts[count]] {
      removed[block.layer] = block.removed
    }
    return zip(rankings, removed).map { ranking, removed in ranking[removed...].sorted() }
  }

  /// Each block is a step.
  private mutating func appendGlobalSteps(_ layers: [Layer]) {
    let units = rankings.reduce(0) { $0 + $1.count }
    var removed = [Int](repeating: 0, count: layers.count)
    var removedUnits = 0
    for (index, block) in blocks.enumerated() {
      let count = block.removed - removed[block.layer]
      removed[block.layer] = block.removed
      removedUnits += count
      parameters.append(parameters[index] + count * layers[block.layer].parametersPerUnit)
      blockCounts.append(index + 1)
      shares.append(Share(numerator: removedUnits, denominator: units))
    }
  }

  /// Blocks that leave their layers with the same share are one step; layers of one shape thus step together.
  private mutating func appendUniformSteps(_ layers: [Layer], shares blockShares: [Double]) {
    var removed = [Int](repeating: 0, count: layers.count)
    var sum = 0
    for (index, block) in blocks.enumerated() {
      sum += (block.removed - removed[block.layer]) * layers[block.layer].parametersPerUnit
      removed[block.layer] = block.removed
      if index + 1 < blocks.count, blockShares[index + 1] == blockShares[index] { continue }
      parameters.append(sum)
      blockCounts.append(index + 1)
      shares.append(Share(numerator: block.removed, denominator: rankings[block.layer].count))
    }
  }

  /// `-0.0` and `0.0` are equal here, as ties are.
  private static func ranking(_ scores: [Float]) -> [Int] {
    scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
  }

  private static func blocks(of layer: Layer, ranking: [Int], index: Int, multiple: Int) -> [Block] {
    let units = ranking.count
    guard units > multiple else { return [] }
    var blocks: [Block] = []
    var start = 0
    var end = units % multiple == 0 ? multiple : units % multiple
    while units - end >= multiple {
      let mean = ranking[start..<end].reduce(0.0) { $0 + Double(layer.scores[$1]) } / Double(end - start)
      // Means of a rising sequence rise; the maximum guards that against rounding.
      blocks.append(Block(layer: index, removed: end, cost: max(mean, blocks.last?.cost ?? mean)))
      start = end
      end += multiple
    }
    return blocks
  }
}
