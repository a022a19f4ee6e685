import Foundation

/// A group of one rank, which needs no message library: every collective is the identity.
///
/// A single process is one rank of the same program, not a special case of it.
public struct SoloCommunicator: Communicator {
  public var rank: Int { 0 }
  public var size: Int { 1 }

  public init() {}

  public func barrier() throws(CommunicationError) {}

  public func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    try requireRank(root)
  }

  public func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    try requireRank(root)
  }

  public func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {}

  public func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {}

  public func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] { [bytes] }

  public func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] {
    try requirePartPerRank(parts.count)
    return parts
  }

  public func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator { self }

  public func split(color: Int) throws(CommunicationError) -> any Communicator { self }

  public func hostLayout() throws(CommunicationError) -> HostLayout {
    HostLayout(hostNames: [ProcessInfo.processInfo.hostName], ranksOnThisHost: 1, rankOnThisHost: 0)
  }

  public func abort(code: Int32) -> Never { exit(code) }
}
