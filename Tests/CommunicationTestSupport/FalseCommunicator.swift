public import Communication
internal import Synchronization

/// A communicator whose deliveries a test falsifies: `received` gets what `exchange` or `gather` gave this rank, and
/// how many of these calls there were before.
public struct FalseCommunicator: Communicator {
  private let base: any Communicator
  private let calls = Calls()
  private let falsify: @Sendable (_ received: inout [[UInt8]], _ call: Int) -> Void

  public init(
    _ base: any Communicator, falsify: @escaping @Sendable (_ received: inout [[UInt8]], _ call: Int) -> Void
  ) {
    self.base = base
    self.falsify = falsify
  }

  public var rank: Int { base.rank }
  public var size: Int { base.size }
  public func barrier() throws(CommunicationError) { try base.barrier() }
  public func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    try base.broadcast(&bytes, root: root)
  }
  public func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    try base.sum(&values, root: root)
  }
  public func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) { try base.sum(&values) }
  public func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) { try base.maximum(&values) }
  public func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
    var received = try base.gather(bytes)
    falsify(&received, calls.next())
    return received
  }
  public func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] {
    var received = try base.exchange(parts)
    falsify(&received, calls.next())
    return received
  }
  public func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator {
    try base.duplicate(waiting: waiting)
  }
  public func split(color: Int) throws(CommunicationError) -> any Communicator { try base.split(color: color) }
  public func hostLayout() throws(CommunicationError) -> HostLayout { try base.hostLayout() }
  public func abort(code: Int32) -> Never { base.abort(code: code) }
}

private final class Calls: Sendable {
  private let count = Atomic(0)

  /// How many calls there were before this one.
  func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}
