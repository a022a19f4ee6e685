import HeapModule

/// The symbols of one word while they merge: a doubly linked list in arrays, so that a merge moves nothing, and a heap of
/// the pairs that can merge, so that a word of n bytes takes n log n steps.
struct BytePairSymbols {
  private static let none = UInt32.max

  /// `[place]`, where a merged pair stays at its left place.
  private var ids: [Int32]
  private var next: [UInt32]
  private var previous: [UInt32]
  private var isMerged: [Bool]

  init(_ ids: [Int32]) {
    self.ids = ids
    let count = UInt32(clamping: ids.count)
    next = (0..<count).map { $0 + 1 == count ? Self.none : $0 + 1 }
    previous = (0..<count).map { $0 == 0 ? Self.none : $0 - 1 }
    isMerged = [Bool](repeating: false, count: ids.count)
  }

  /// Merges until no neighbors can be.
  mutating func merge(_ merges: [UInt64: BytePairModel.Merge]) {
    guard ids.count > 1 else { return }
    // `rank << 32 | place`: the lowest rank first, and the leftmost of the same rank.
    var candidates = Heap<UInt64>()
    func offer(_ place: UInt32) {
      if let merge = mergeable(place, merges) { candidates.insert(UInt64(merge.rank) << 32 | UInt64(place)) }
    }
    for place in ids.indices { offer(UInt32(place)) }
    while let candidate = candidates.popMin() {
      let place = UInt32(truncatingIfNeeded: candidate)
      // A pair whose half has merged meanwhile has another rank, or none.
      guard !isMerged[Int(place)], let merge = mergeable(place, merges), UInt64(merge.rank) == candidate >> 32 else {
        continue
      }
      let right = next[Int(place)]
      ids[Int(place)] = merge.id
      isMerged[Int(right)] = true
      let follower = next[Int(right)]
      next[Int(place)] = follower
      if follower != Self.none { previous[Int(follower)] = place }
      offer(place)
      if previous[Int(place)] != Self.none { offer(previous[Int(place)]) }
    }
  }

  /// What the symbol at `place` and the one behind it merge to.
  private func mergeable(_ place: UInt32, _ merges: [UInt64: BytePairModel.Merge]) -> BytePairModel.Merge? {
    let right = next[Int(place)]
    return right == Self.none ? nil : merges[BytePairModel.pair(ids[Int(place)], ids[Int(right)])]
  }

  func append(to result: inout [Int32]) {
    for place in ids.indices where !isMerged[place] { result.append(ids[place]) }
  }
}
