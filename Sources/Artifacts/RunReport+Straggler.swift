extension RunReport {
  /// A rank that computed for so much longer than the others that they waited for it.
  public struct Straggler: Codable, Sendable, Equatable {
    /// The rank.
    public var rank: Int
    /// Its host.
    public var host: String
    /// Its seconds of computing over the median of the other ranks'.
    public var ratio: Double

    /// From this ratio on a rank is called slow; ranks with unequal shares of the work differ by less.
    static let leastRatio = 1.3
    /// The least that others must have lost by it, in seconds.
    static let leastSeconds = 1.0

    /// The rank that computed longest, if it is slow; `nil` otherwise.
    ///
    /// Ranks without work are none of the others. Of ranks with unequal shares it has to be slow for its share as well: more
    /// work takes longer.
    ///
    /// - Parameters:
    ///   - computing: seconds by rank: those of a phase less those of waiting for other ranks, which come out of a phase
    ///     together.
    ///   - hosts: each rank's host.
    ///   - shares: how much of the work each rank had, in any unit; `nil`: the same each.
    public init?(computing: [Double], hosts: [String], shares: [Double]? = nil) {
      guard hosts.count == computing.count else { return nil }
      let shares = shares?.count == computing.count ? shares ?? [] : computing.map { _ in 1 }
      let working = computing.indices.filter { shares[$0] > 0 }
      guard working.count > 1, let slowest = working.max(by: { computing[$0] < computing[$1] }) else { return nil }
      func median(_ value: (Int) -> Double) -> Double {
        let others = working.filter { $0 != slowest }.map(value).sorted()
        return (others[(others.count - 1) / 2] + others[others.count / 2]) / 2
      }
      let (all, perShare) = (median { computing[$0] }, median { computing[$0] / shares[$0] })
      guard all > 0, computing[slowest] - all >= Self.leastSeconds else { return nil }
      let ratio = min(computing[slowest] / all, computing[slowest] / shares[slowest] / perShare)
      guard ratio >= Self.leastRatio else { return nil }
      (rank, host, self.ratio) = (slowest, hosts[slowest], ratio)
    }
  }
}
