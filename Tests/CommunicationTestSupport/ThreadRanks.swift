public import Communication
internal import Foundation
internal import Synchronization

/// Ranks that are threads of one process: any number of them without a launcher, for tests in which it changes.
public enum ThreadRanks {
  /// Runs `body` on so many ranks at once, and returns what it came to on each, in rank order.
  public static func run<Value: Sendable>(
    _ ranks: Int, _ body: @escaping @Sendable (_ communicator: any Communicator) throws -> Value
  ) -> [Result<Value, any Error>] {
    let room = Room(ranks)
    let results = Results<Value>()
    let ends = DispatchSemaphore(value: 0)
    for rank in 0..<ranks {
      let thread = Thread {
        let result = Result { try body(ThreadCommunicator(room: room, rank: rank)) }
        results.byRank.withLock { $0[rank] = result }
        ends.signal()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    for _ in 0..<ranks { ends.wait() }
    return results.byRank.withLock { results in (0..<ranks).compactMap { results[$0] } }
  }

  private final class Results<Value: Sendable>: Sendable {
    let byRank = Mutex<[Int: Result<Value, any Error>]>([:])
  }
}

/// Where the ranks of a group meet: each brings something, and all leave with what everybody brought.
private final class Room: Sendable {
  private struct Table {
    var brought: [Int: any Sendable] = [:]
    var taken: [any Sendable] = []
  }
  private let table = Mutex(Table())
  private let doors: [DispatchSemaphore]
  var size: Int { doors.count }

  /// Seconds after which a rank that did not come counts as lost.
  private static let patience = 60

  init(_ size: Int) { doors = (0..<size).map { _ in DispatchSemaphore(value: 0) } }

  func meet<Item: Sendable>(_ rank: Int, _ item: Item) throws(CommunicationError) -> [Item] {
    let isLast = table.withLock { table in
      table.brought[rank] = item
      guard table.brought.count == doors.count else { return false }
      table.taken = doors.indices.compactMap { table.brought[$0] }
      table.brought = [:]
      return true
    }
    if isLast {
      for other in doors.indices where other != rank { doors[other].signal() }
    } else if doors[rank].wait(timeout: .now() + .seconds(Self.patience)) == .timedOut {
      throw CommunicationError(.library, "a rank did not come to a collective call; it has failed")
    }
    let items = table.withLock { $0.taken.compactMap { $0 as? Item } }
    guard items.count == doors.count else {
      throw CommunicationError(.library, "ranks came to different collective calls; run the same on all")
    }
    return items
  }
}

private struct ThreadCommunicator: Communicator {
  let room: Room
  let rank: Int
  var size: Int { room.size }

  func barrier() throws(CommunicationError) { _ = try room.meet(rank, true) }

  func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    try requireRank(root)
    let own = rank == root ? unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } : []
    let sent = try room.meet(rank, own)[root]
    unsafe bytes.withUnsafeMutableBytes { unsafe $0.copyBytes(from: sent) }
  }

  func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    try requireRank(root)
    let own = values.indices.map { values[$0] }
    let all = try room.meet(rank, own)
    guard rank == root else { return }
    for index in values.indices { values[index] = all.reduce(0) { $0 + $1[index] } }
  }

  func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    let own = values.indices.map { values[$0] }
    let all = try room.meet(rank, own)
    for index in values.indices { values[index] = all.reduce(0) { $0 + $1[index] } }
  }

  func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    let own = values.indices.map { values[$0] }
    let all = try room.meet(rank, own)
    for index in values.indices { values[index] = all.reduce(-.infinity) { max($0, $1[index]) } }
  }

  func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] { try room.meet(rank, bytes) }

  func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] {
    try requirePartPerRank(parts.count)
    return try room.meet(rank, parts).map { $0[rank] }
  }

  func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator {
    ThreadCommunicator(room: try room.meet(rank, Room(size))[0], rank: rank)
  }

  func split(color: Int) throws(CommunicationError) -> any Communicator {
    let colors = try room.meet(rank, color)
    let members = colors.indices.filter { colors[$0] == color }
    // The first rank of a color makes its group's room.
    let rooms = try room.meet(rank, Room(members.count))
    return ThreadCommunicator(room: rooms[members[0]], rank: members.prefix { $0 != rank }.count)
  }

  func hostLayout() throws(CommunicationError) -> HostLayout {
    HostLayout(
      hostNames: Array(repeating: ProcessInfo.processInfo.hostName, count: size), ranksOnThisHost: size,
      rankOnThisHost: rank)
  }

  func abort(code: Int32) -> Never { exit(code) }
}
