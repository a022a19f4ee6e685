/// How a rank passes the time until the other ranks have come to a collective call.
public enum Waiting: Sendable, Equatable {
  /// Polls without pause: the least latency, at the price of a core. For a thread that has nothing else to do.
  case spinning
  /// Sleeps until every rank has come, and only then moves data. For a `CommunicationThread` beside computing threads,
  /// which would otherwise lose a core to it; costs some tenths of a millisecond per call.
  case sleeping
}

/// A group of ranks, numbered `0 ..< size`, that act together.
///
/// Every method is *collective* unless said otherwise: all ranks of the group call it, in the same order and with the
/// same root and length. One communicator serves one thread at a time; threads that communicate at once each take a
/// `duplicate`. For a fixed number of ranks, results are the same in every run.
///
/// Methods throw a `CommunicationError` with code `library` when the message library reports a failure, and
/// `invalidArgument` when `root` is not a rank of the group. After a `library` error only `abort` is meaningful.
public protocol Communicator: Sendable {
  /// This process's number in the group. Not collective.
  var rank: Int { get }

  /// How many ranks the group has, at least one. Not collective.
  var size: Int { get }

  /// Returns once every rank has called it.
  func barrier() throws(CommunicationError)

  /// Replaces `bytes` on every rank by `root`'s. The length, of any size, is the same on all ranks.
  func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError)

  /// Replaces `values` on `root` by the sum over ranks, element by element; other ranks' values stay as they are.
  func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError)

  /// Replaces `values` on every rank by the sum over ranks, element by element. All ranks get the same bits.
  func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError)

  /// Replaces `values` on every rank by the greatest over ranks, element by element. All ranks get the same bits.
  /// Whether a NaN survives is not said.
  func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError)

  /// The byte strings of all ranks, in rank order, on every rank. Their lengths may differ, and be zero.
  func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]]

  /// Sends `parts[r]` to rank r, and returns what every rank sent here, in rank order. Lengths may differ, be zero and
  /// exceed 2 GiB; a receiver need not know them.
  ///
  /// - Parameter parts: one byte string per rank, this one included.
  /// - Throws: `invalidArgument` when `parts` are not as many as ranks.
  func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]]

  /// A group of the same ranks whose messages never meet this one's, so that another thread can use it at the same
  /// time.
  func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator

  /// The group of the ranks that gave the same `color`, in the order of their numbers here.
  ///
  /// - Throws: `invalidArgument` for a color below 0 or beyond 32 bits.
  func split(color: Int) throws(CommunicationError) -> any Communicator

  /// Which ranks share a host.
  func hostLayout() throws(CommunicationError) -> HostLayout

  /// Ends every process of the job with the exit code `code`. Not collective: one rank's call is enough. Prints
  /// nothing.
  func abort(code: Int32) -> Never
}

extension Communicator {
  /// A group of the same ranks for a thread that spins while it waits.
  public func duplicate() throws(CommunicationError) -> any Communicator {
    try duplicate(waiting: .spinning)
  }

  /// The sum over ranks of one number.
  public func sum(of value: Double) throws(CommunicationError) -> Double {
    var values: InlineArray<1, Double> = [value]
    var span = values.mutableSpan
    try sum(&span)
    return values[0]
  }

  /// The greatest of one number over ranks.
  public func maximum(of value: Double) throws(CommunicationError) -> Double {
    var values: InlineArray<1, Double> = [value]
    var span = values.mutableSpan
    try maximum(&span)
    return values[0]
  }

  /// `root`'s byte string, on every rank. What other ranks pass is ignored, its length too.
  public func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
    var length: InlineArray<1, Int64> = [Int64(bytes.count)]
    var lengthSpan = length.mutableSpan
    var lengthBytes = unsafe lengthSpan.mutableBytes
    try broadcast(&lengthBytes, root: root)
    guard let count = Int(exactly: length[0]), count >= 0 else {
      throw CommunicationError(
        .library, "rank \(root) announced a message of \(length[0]) bytes; its memory is damaged")
    }
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: count)
    var resultSpan = result.mutableSpan
    var resultBytes = unsafe resultSpan.mutableBytes
    try broadcast(&resultBytes, root: root)
    return result
  }

  /// Throws `invalidArgument` unless `count` parts to exchange are one for each rank. Not collective.
  public func requirePartPerRank(_ count: Int) throws(CommunicationError) {
    guard count == size else {
      throw CommunicationError(
        .invalidArgument, "an exchange of \(count) parts among \(size) ranks; give one part for each rank")
    }
  }

  /// Throws `invalidArgument` unless `root` is a rank of this group. Not collective.
  public func requireRank(_ root: Int) throws(CommunicationError) {
    guard root >= 0, root < size else {
      throw CommunicationError(
        .invalidArgument, "root rank \(root) is not in this group; its ranks are \(RankList(Array(0..<size)))")
    }
  }
}
