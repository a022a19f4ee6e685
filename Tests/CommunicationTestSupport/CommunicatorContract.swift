public import Communication

/// What any `Communicator` must do, as collective checks that every rank runs in the same order.
///
/// A check tells whether *this* rank saw what it must. It makes all its collective calls whatever it sees, so that a
/// failing rank does not leave the others waiting.
public struct CommunicatorContract: Sendable {
  public let communicator: any Communicator

  /// Lengths around the edges: nothing, one, and counts that no number of ranks or message length divides.
  public static let lengths = [0, 1, 2, 7, 64, 1001]

  public init(_ communicator: any Communicator) {
    self.communicator = communicator
  }

  private var rank: Int { communicator.rank }
  private var size: Int { communicator.size }

  /// From every root in turn, the root's bytes and nobody else's arrive.
  public func broadcastDelivers(length: Int) throws -> Bool {
    var isRight = true
    for root in 0..<size {
      let expected = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ root &* 7 &+ 1) }
      var bytes = rank == root ? expected : [UInt8](repeating: 0, count: length)
      var span = bytes.mutableSpan
      var raw = unsafe span.mutableBytes
      try communicator.broadcast(&raw, root: root)
      isRight = isRight && bytes == expected
    }
    return isRight
  }

  /// A byte string arrives although the other ranks do not know its length.
  public func broadcastOfUnknownLengthDelivers(length: Int) throws -> Bool {
    var isRight = true
    for root in 0..<size {
      let expected = [UInt8](repeating: UInt8(root + 1), count: length + root)
      let mine = rank == root ? expected : [UInt8](repeating: 99, count: rank)
      isRight = try communicator.broadcast(mine, root: root) == expected && isRight
    }
    return isRight
  }

  /// The root in turn gets the sum, and the others keep their values.
  public func sumReachesRootOnly(length: Int) throws -> Bool {
    var isRight = true
    for root in 0..<size {
      let mine = (0..<length).map { Float($0 % 97) + Float(rank) }
      let ranksSum = size * (size - 1) / 2
      let total = (0..<length).map { Float(size * ($0 % 97) + ranksSum) }
      var values = mine
      var span = values.mutableSpan
      try communicator.sum(&span, root: root)
      isRight = isRight && values == (rank == root ? total : mine)
    }
    return isRight
  }

  /// Sums of doubles that rounding makes depend on the order are close to right, and the same bits everywhere and
  /// always.
  public func sumIsIdenticalEverywhere(length: Int) throws -> Bool {
    let first = try roundedSum(length: length)
    let second = try roundedSum(length: length)
    let exact = (0..<length).map { index in (0..<size).map { term(index, $0) }.reduce(0, +) }
    let isClose = zip(first, exact).allSatisfy { abs($0 - $1) <= 1e-12 * (1 + abs($1)) }
    let bits = first.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
    let everywhere = try communicator.gather(bits)
    return isClose && first.map(\.bitPattern) == second.map(\.bitPattern) && everywhere.allSatisfy { $0 == bits }
  }

  /// Every rank gets the greatest of each element.
  public func maximumReachesEveryone(length: Int) throws -> Bool {
    var values = (0..<length).map { ($0 + rank).isMultiple(of: size) ? Double($0) : -Double(rank + 1) }
    var span = values.mutableSpan
    try communicator.maximum(&span)
    return values == (0..<length).map { Double($0) }
  }

  /// One number in, one number out.
  public func scalarsReduce() throws -> Bool {
    let sum = try communicator.sum(of: Double(rank + 1))
    let maximum = try communicator.maximum(of: Double(rank))
    return sum == Double(size * (size + 1) / 2) && maximum == Double(size - 1)
  }

  /// Byte strings of different lengths come in rank order; rank 0's is empty.
  public func gatherKeepsRankOrder(length: Int) throws -> Bool {
    let gathered = try communicator.gather([UInt8](repeating: UInt8(rank), count: length * rank))
    return gathered == (0..<size).map { [UInt8](repeating: UInt8($0), count: length * $0) }
  }

  /// Each rank gets the part that each other one made for it. Lengths differ by sender and receiver; what the last rank
  /// sends to rank 0 is empty, as is everything for a `length` of 0.
  public func exchangeDeliversEachPart(length: Int) throws -> Bool {
    func part(from sender: Int, to receiver: Int) -> [UInt8] {
      let isEmpty = sender == size - 1 && receiver == 0 && size > 1
      return (0..<(isEmpty ? 0 : length * (1 + sender + 2 * receiver))).map {
        UInt8(truncatingIfNeeded: $0 &* 37 &+ sender &* 11 &+ receiver &* 3 &+ 1)
      }
    }
    let received = try communicator.exchange((0..<size).map { part(from: rank, to: $0) })
    return received == (0..<size).map { part(from: $0, to: rank) }
  }

  /// One rank sends to one other, and nobody else anything.
  public func exchangeBetweenTwo(length: Int) throws -> Bool {
    let (sender, receiver) = (size - 1, 0)
    var parts = [[UInt8]](repeating: [], count: size)
    if rank == sender { parts[receiver] = [UInt8](repeating: 7, count: length) }
    let received = try communicator.exchange(parts)
    return received.indices.allSatisfy { source in
      received[source].count == (source == sender && rank == receiver ? length : 0)
        && received[source].allSatisfy { $0 == 7 }
    } && received.count == size
  }

  /// Parts for other than all ranks are refused on every rank, before anything is sent.
  public func wrongNumberOfPartsIsRefused() throws -> Bool {
    var isRefused = true
    for count in [0, size + 1] {
      do {
        _ = try communicator.exchange([[UInt8]](repeating: [1], count: count))
        isRefused = false
      } catch {
        isRefused = isRefused && error.code == .invalidArgument && error.description.contains("\(count) parts")
      }
    }
    try communicator.barrier()
    return isRefused
  }

  /// A root outside the group is refused on every rank, before anything is sent.
  public func foreignRootIsRefused() throws -> Bool {
    var isRefused = true
    for root in [-1, size] {
      do {
        _ = try communicator.broadcast([1], root: root)
        isRefused = false
      } catch {
        isRefused = isRefused && error.code == .invalidArgument && error.description.contains("root rank \(root)")
      }
    }
    try communicator.barrier()
    return isRefused
  }

  /// Whether even and odd ranks become groups of their own, in rank order, whose messages stay inside.
  public func splitsByColor() throws -> Bool {
    let group = try communicator.split(color: communicator.rank % 2)
    let members = try group.gather([UInt8(truncatingIfNeeded: communicator.rank)]).compactMap(\.first).map(Int.init)
    let expected = (0..<communicator.size).filter { $0 % 2 == communicator.rank % 2 }
    return members == expected && group.size == expected.count && expected[group.rank] == communicator.rank
  }

  /// Rank r of the group is one of the host's ranks, and every rank has a host name.
  public func hostLayoutIsConsistent() throws -> Bool {
    let layout = try communicator.hostLayout()
    return layout.hostNames.count == size && layout.hostNames.allSatisfy { !$0.isEmpty }
      && (1...size).contains(layout.ranksOnThisHost) && (0..<layout.ranksOnThisHost).contains(layout.rankOnThisHost)
  }

  private func roundedSum(length: Int) throws -> [Double] {
    var values = (0..<length).map { term($0, rank) }
    var span = values.mutableSpan
    try communicator.sum(&span)
    return values
  }

  private func term(_ index: Int, _ rank: Int) -> Double {
    1 / Double(index + 3) + 1e3 / Double(rank * rank + index + 7)
  }
}
