/// The main thread's communicator, whose longer collective calls are events of a trace.
///
/// Calls that took less than a tenth of a millisecond are left out: there are many, and they tell nothing. A `duplicate`
/// is not traced: its thread records what it does by itself.
public struct TracedCommunicator: Communicator {
  private let base: any Communicator
  private let trace: Trace

  public init(_ base: any Communicator, trace: Trace) {
    self.base = base
    self.trace = trace
  }

  private static let least = Duration.microseconds(100)

  private func record(_ name: @autoclosure () -> String, from start: ContinuousClock.Instant, bytes: Int = 0) {
    guard start.duration(to: .now) >= Self.least else { return }
    trace.record(name(), .collective, on: .main, from: start, bytes: bytes)
  }

  public var rank: Int { base.rank }
  public var size: Int { base.size }

  public func barrier() throws(CommunicationError) {
    let start = ContinuousClock.now
    try base.barrier()
    record("barrier", from: start)
  }

  public func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    let (start, count) = (ContinuousClock.now, bytes.byteCount)
    try base.broadcast(&bytes, root: root)
    record("broadcast from rank \(root)", from: start, bytes: count)
  }

  public func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    let (start, count) = (ContinuousClock.now, values.count)
    try base.sum(&values, root: root)
    record("sum onto rank \(root)", from: start, bytes: 4 * count)
  }

  public func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    let (start, count) = (ContinuousClock.now, values.count)
    try base.sum(&values)
    record("sum", from: start, bytes: 8 * count)
  }

  public func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    let (start, count) = (ContinuousClock.now, values.count)
    try base.maximum(&values)
    record("maximum", from: start, bytes: 8 * count)
  }

  public func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
    let start = ContinuousClock.now
    let result = try base.gather(bytes)
    record("gather", from: start, bytes: bytes.count)
    return result
  }

  public func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] {
    let start = ContinuousClock.now
    let result = try base.exchange(parts)
    record("exchange", from: start, bytes: parts.reduce(0) { $0 + $1.count })
    return result
  }

  public func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator {
    try base.duplicate(waiting: waiting)
  }

  public func split(color: Int) throws(CommunicationError) -> any Communicator { try base.split(color: color) }

  public func hostLayout() throws(CommunicationError) -> HostLayout { try base.hostLayout() }

  public func abort(code: Int32) -> Never { base.abort(code: code) }
}
