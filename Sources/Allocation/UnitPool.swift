/// One of the two pools, attention or MLP: which units go first, in a fixed order of steps.
///
/// A layer's units, ranked by (score, index), are cut into blocks, so that after any number of steps the layer keeps a
/// multiple of `multiple` units and never fewer than `min(multiple, units)`: the first block has `units % multiple`
/// units, the others `multiple`. A block costs the mean score of its units; along one layer's ranking costs never fall,
/// so taking blocks by (cost, layer, rank) removes the least total score that any choice of that many blocks could, and
/// respects every layer's order. What k steps remove, k + 1 steps remove too: plans of one pool are nested.
///
/// Grouped, a block is a run of units that follow one another. The short run, where there is one, is the layer's last and
/// comes first in its ranking, so that the others are whole; it costs no more than the run after it, which would else wait
/// for it.
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

  /// `[layer][rank]`: unit indices by (score, index), or by run.
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
  ///
  /// - Parameters:
  ///   - isGrouped: whether units go in runs of `multiple`.
  ///   - isUniform: whether all layers lose the same share.
  init(_ layers: [Layer], multiple: Int, isGrouped: Bool = false, isUniform: Bool) {
    let rankings = layers.map { isGrouped ? Self.ranking($0.scores, run: multiple) : Self.ranking($0.scores) }
    self.rankings = rankings
    let blocks = layers.indices.flatMap { index in
      Self.blocks(of: layers[index], ranking: rankings[index], index: index, multiple: multiple)
    }
    if isUniform {
      let share = blocks.map { Double($0.removed) / Double(rankings[$0.layer].count) }
      let order = blocks.indices.sorted { (share[$0], $0) < (share[$1], $1) }
      self.blocks = order.map { blocks[$0] }
      appendUniformSteps(layers, shares: order.map { share[$0] })
    } else {
      // Stable order: ties fall to the lower layer, then to the lower rank.
      self.blocks = blocks.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
        .map(\.element)
      appendGlobalSteps(layers)
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

  /// Runs of `run` units by (mean score, index), a short last one first.
  private static func ranking(_ scores: [Float], run: Int) -> [Int] {
    let whole = scores.count / run * run
    let means = stride(from: 0, to: whole, by: run).map { mean(scores, of: $0..<$0 + run) }
    let order = means.indices.sorted { (means[$0], $0) < (means[$1], $1) }
    return Array(whole..<scores.count) + order.flatMap { $0 * run..<($0 + 1) * run }
  }

  private static func mean(_ scores: [Float], of units: some Collection<Int>) -> Double {
    units.reduce(0.0) { $0 + Double(scores[$1]) } / Double(units.count)
  }

  /// A layer's blocks, whose costs rise along its ranking.
  private static func blocks(of layer: Layer, ranking: [Int], index: Int, multiple: Int) -> [Block] {
    let units = ranking.count
    guard units > multiple else { return [] }
    let first = units % multiple == 0 ? multiple : units % multiple
    var blocks: [Block] = []
    var start = 0
    for end in stride(from: first, through: units - multiple, by: multiple) {
      let mean = mean(layer.scores, of: ranking[start..<end])
      blocks.append(Block(layer: index, removed: end, cost: mean))
      start = end
    }
    // A short run waits for no other.
    if blocks.count > 1 { blocks[0].cost = min(blocks[0].cost, blocks[1].cost) }
    // Means of a rising sequence rise; the maximum guards that against rounding.
    for index in blocks.indices.dropFirst() { blocks[index].cost = max(blocks[index].cost, blocks[index - 1].cost) }
    return blocks
  }
}
