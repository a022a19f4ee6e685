/// How work is divided over ranks: pure arithmetic, the same on every rank without a message.
public struct Partition: Sendable, Equatable {
  /// The number of ranks, at least one.
  public let ranks: Int

  public init(ranks: Int) {
    precondition(ranks > 0, "a partition needs at least one rank")
    self.ranks = ranks
  }

  /// The rank that holds `layer`: l mod R, so that neighboring layers are broadcast by different ranks.
  public func owner(ofLayer layer: Int) -> Int {
    precondition(layer >= 0, "layers are numbered from 0")
    return layer % ranks
  }

  /// The layers of `0 ..< count` that `rank` holds, ascending.
  public func layers(ownedBy rank: Int, of count: Int) -> [Int] {
    requireRank(rank)
    return Array(stride(from: rank, to: count, by: ranks))
  }

  /// The contiguous block of `0 ..< count` that is `rank`'s. Blocks differ by at most one in length, the longer ones
  /// first; with more ranks than items the last ranks' are empty.
  public func block(of count: Int, rank: Int) -> Range<Int> {
    requireRank(rank)
    precondition(count >= 0, "a count of items is not negative")
    let (length, longer) = count.quotientAndRemainder(dividingBy: ranks)
    let start = rank * length + min(rank, longer)
    return start..<(start + length + (rank < longer ? 1 : 0))
  }

  /// The rank whose block of `0 ..< count` holds `index`.
  public func owner(ofIndex index: Int, of count: Int) -> Int {
    precondition(index >= 0 && index < count, "the index is not one of the items")
    let (length, longer) = count.quotientAndRemainder(dividingBy: ranks)
    let inLonger = longer * (length + 1)
    return index < inLonger ? index / (length + 1) : longer + (index - inLonger) / length
  }

  private func requireRank(_ rank: Int) {
    precondition(rank >= 0 && rank < ranks, "the rank is not one of the partition's")
  }
}

extension Communicator {
  /// This rank's block of items that every rank holds. Not collective.
  public func share<Element>(of items: [Element]) -> [Element] {
    Array(items[Partition(ranks: size).block(of: items.count, rank: rank)])
  }
}
