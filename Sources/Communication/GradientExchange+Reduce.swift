extension GradientExchange {
  /// Values that go in one exchange of `reduce`, so that its root needs 4 MiB per rank, not a whole copy.
  private static let reducedAtOnce = 1 << 20

  /// Replaces `values` on `root` by the sum over ranks, added in rank order in float32; other ranks' stay as they are.
  ///
  /// Every rank encodes its values once; the root's own are taken as they are. There is no error feedback. Collective.
  ///
  /// - Parameters:
  ///   - values: as many on every rank.
  ///   - name: what the values are, in errors.
  /// - Returns: bytes that this rank sent, and what they would have been as float32; nothing on `root`.
  /// - Throws: the same `CommunicationError` on every rank: `notFinite` when a value or a sum is infinite or NaN,
  ///   `damaged` when a message came in changed. The root's values are useless then.
  public static func reduce(
    _ values: inout MutableSpan<Float>, to root: Int, codec: GradientCodec, communicator: any Communicator,
    name: String = "gradients"
  ) throws(CommunicationError) -> (sentBytes: Int, uncompressedBytes: Int) {
    try communicator.requireRank(root)
    var reduction = Reduction(
      root: root, communicator: communicator, name: name, coder: try GradientCoder(codec))
    for start in stride(from: 0, to: values.count, by: reducedAtOnce) {
      var part = values._mutatingExtracting(start..<min(start + reducedAtOnce, values.count))
      try reduction.reduce(&part, offset: start)
    }
    return (reduction.sentBytes, reduction.uncompressedBytes)
  }
}

/// One call of `reduce`, with its buffers.
private struct Reduction {
  let root: Int
  let communicator: any Communicator
  let name: String
  let coder: GradientCoder
  var frame: [UInt8] = []
  var sum: [Float] = []
  var addend: [Float] = []
  var sentBytes = 0
  var uncompressedBytes = 0

  init(root: Int, communicator: any Communicator, name: String, coder: GradientCoder) {
    self.root = root
    self.communicator = communicator
    self.name = name
    self.coder = coder
  }

  /// - Parameter offset: of the first of `values` among all, for errors.
  mutating func reduce(_ values: inout MutableSpan<Float>, offset: Int) throws(CommunicationError) {
    var parts = [[UInt8]](repeating: [], count: communicator.size)
    if let index = NotFinite.first(in: values.span) {
      let error = CommunicationError(
        .notFinite,
        "\(name): rank \(communicator.rank) has \(values[index]) at element \(offset + index); look at that rank's data"
      )
      parts = Array(repeating: ExchangeFailure.encode(error), count: communicator.size)
    } else if communicator.rank != root {
      coder.encode(values.span, into: &frame)
      parts[root] = frame
      sentBytes += frame.count
      uncompressedBytes += values.count * 4
    }
    let received = try communicator.exchange(parts)
    try ExchangeFailure.throwFirst(in: received)
    var outcome: [UInt8] = []
    if communicator.rank == root {
      do throws(CommunicationError) {
        try add(received, to: &values, offset: offset)
      } catch {
        outcome = ExchangeFailure.encode(error)
      }
    }
    try ExchangeFailure.throwFirst(in: [try communicator.broadcast(outcome, root: root)])
  }

  private mutating func add(
    _ received: [[UInt8]], to values: inout MutableSpan<Float>, offset: Int
  ) throws(CommunicationError) {
    if sum.count != values.count {
      sum = Array(repeating: 0, count: values.count)
      addend = sum
    }
    for source in received.indices {
      if source == root {
        for index in addend.indices { addend[index] = values[index] }
      } else {
        do throws(CommunicationError) {
          try coder.decode(received[source], into: &addend)
        } catch {
          throw CommunicationError(error.code, "\(name), from rank \(source) to rank \(root): \(error.message)")
        }
      }
      // Not added to zeros: negative zeros would become positive.
      if source == 0 { (sum, addend) = (addend, sum) } else { sum.add(addend) }
    }
    if let index = sum.firstNotFinite {
      throw CommunicationError(
        .notFinite, "\(name): the sum over ranks is \(sum[index]) at element \(offset + index); look at the data")
    }
    for index in sum.indices { values[index] = sum[index] }
  }
}
