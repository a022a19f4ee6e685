/// Where the ranks of a group run.
public struct HostLayout: Sendable, Equatable {
  /// The host name of every rank, in rank order. Names can repeat on hosts that do not share memory (containers), so
  /// count ranks by `ranksOnThisHost`, and use the names for reports.
  public let hostNames: [String]

  /// How many ranks of the group, this one included, share this rank's memory.
  public let ranksOnThisHost: Int

  /// This rank's number among them, in rank order from 0.
  public let rankOnThisHost: Int

  public init(hostNames: [String], ranksOnThisHost: Int, rankOnThisHost: Int) {
    self.hostNames = hostNames
    self.ranksOnThisHost = ranksOnThisHost
    self.rankOnThisHost = rankOnThisHost
  }
}
