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
    /// - Parameters:
    ///   - computing: seconds by rank: those of a phase less those of waiting for other ranks, which come out of a phase
    ///     together.
    ///   - hosts: each rank's host.
    public init?(computing: [Double], hosts: [String]) {
      guard computing.count > 1, hosts.count == computing.count,
        let slowest = computing.indices.max(by: { computing[$0] < computing[$1] })
      else { return nil }
      var others = computing
      others.remove(at: slowest)
      others.sort()
      let median = (others[(others.count - 1) / 2] + others[others.count / 2]) / 2
      guard median > 0, computing[slowest] - median >= Self.leastSeconds,
        computing[slowest] / median >= Self.leastRatio
      else { return nil }
      (rank, host, ratio) = (slowest, hosts[slowest], computing[slowest] / median)
    }
  }
}
