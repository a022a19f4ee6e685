/// Which of `count` things each rank gets.
public enum RankShare {
  /// The block of rank `rank` among `ranks`: blocks follow one another in rank order, and their sizes differ by at most
  /// one, the larger first. With more ranks than things, the last ranks get none.
  public static func range(rank: Int, ranks: Int, count: Int) -> Range<Int> {
    precondition(ranks > 0 && rank >= 0 && rank < ranks, "rank \(rank) is not one of \(ranks)")
    precondition(count >= 0, "a share of \(count) things")
    let (size, remainder) = count.quotientAndRemainder(dividingBy: ranks)
    let start = rank * size + min(rank, remainder)
    return start..<(start + size + (rank < remainder ? 1 : 0))
  }
}
