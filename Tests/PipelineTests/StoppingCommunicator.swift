import Communication
import Synchronization

/// A communicator of a rank that is asked to end at a certain point of its run: before one of its calls of `maximum`, by
/// which ranks agree on whether to stop.
struct StoppingCommunicator: Communicator {
  let base: any Communicator
  let request: StopRequest
  /// The call, from 0.
  let stopAt: Int
  private let calls = Calls()

  init(_ base: any Communicator, request: StopRequest, stopAt: Int) {
    self.base = base
    self.request = request
    self.stopAt = stopAt
  }

  private final class Calls: Sendable { let count = Atomic(0) }

  /// What the request's signal says in tests.
  static let signal: Int32 = 10

  var rank: Int { base.rank }
  var size: Int { base.size }
  func barrier() throws(CommunicationError) { try base.barrier() }
  func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    try base.broadcast(&bytes, root: root)
  }
  func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    try base.sum(&values, root: root)
  }
  func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) { try base.sum(&values) }
  func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    // The call that goes on does not know of it yet: the next one does.
    if calls.count.add(1, ordering: .relaxed).oldValue == stopAt { request.ask(signal: Self.signal) }
    try base.maximum(&values)
  }
  func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] { try base.gather(bytes) }
  func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] { try base.exchange(parts) }
  func split(color: Int) throws(CommunicationError) -> any Communicator { try base.split(color: color) }

  func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator {
    try base.duplicate(waiting: waiting)
  }
  func hostLayout() throws(CommunicationError) -> HostLayout { try base.hostLayout() }
  func abort(code: Int32) -> Never { base.abort(code: code) }
}
