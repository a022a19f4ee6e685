/// Ranks as people read them: `rank 2`, `ranks 0-3, 7`.
///
/// A job can have thousands of ranks and an error is one line, so runs of neighbors are folded and a long list is cut.
public struct RankList: CustomStringConvertible, Sendable, Equatable {
  /// Ascending, without repetition.
  public let ranks: [Int]

  private static let longest = 8

  public init(_ ranks: [Int]) {
    self.ranks = Set(ranks).sorted()
  }

  public var description: String {
    var runs: [ClosedRange<Int>] = []
    for rank in ranks {
      if let last = runs.last, last.upperBound + 1 == rank {
        runs[runs.count - 1] = last.lowerBound...rank
      } else {
        runs.append(rank...rank)
      }
    }
    let shown = runs.prefix(Self.longest).map { run in
      run.count == 1 ? "\(run.lowerBound)" : "\(run.lowerBound)-\(run.upperBound)"
    }
    let hidden = runs.dropFirst(Self.longest).reduce(0) { $0 + $1.count }
    let tail = hidden == 0 ? "" : " and \(hidden) more"
    return (ranks.count == 1 ? "rank " : "ranks ") + shown.joined(separator: ", ") + tail
  }
}
