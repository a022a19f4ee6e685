internal import Artifacts
internal import Communication

/// What a message needs from one host to another.
package struct DoctorLink: Codable, Sendable, Equatable {
  package let from: String
  package let to: String
  /// Seconds that an empty message takes one way.
  package let latency: Double
  /// Bytes per second one way.
  package let bandwidth: Double

  package init(from: String, to: String, latency: Double, bandwidth: Double) {
    (self.from, self.to, self.latency, self.bandwidth) = (from, to, latency, bandwidth)
  }
}

/// Measures links between hosts by sending messages to and fro between their first ranks.
package struct DoctorLinks {
  /// All ranks; waits for others without taking a processor from those that measure.
  let communicator: any Communicator
  /// The first rank of every host, and its name.
  let leaders: [(rank: Int, host: String)]

  /// Hosts of which every pair is measured; of more, neighbors in a ring.
  private static let mostForAllPairs = 8
  private static let trips = 20
  /// A message that takes so long one way fills the link well beyond what a switch or a rate limit lets pass at once.
  private static let longEnough = 0.2
  private static let firstBytes = 1 << 16
  private static let mostBytes = 1 << 26

  /// Pairs of hosts that are measured one round after the other; no host is in two pairs of a round.
  package static func rounds(hosts: Int) -> [[(Int, Int)]] {
    guard hosts > 1 else { return [] }
    if hosts > mostForAllPairs {
      let ring = (0..<hosts).map { ($0, ($0 + 1) % hosts) }
      // In a ring of odd length the last pair shares a host with both others.
      let last = hosts.isMultiple(of: 2) ? [] : [ring[hosts - 1]]
      let paired = ring.dropLast(last.count)
      return [paired.filter { $0.0.isMultiple(of: 2) }, paired.filter { !$0.0.isMultiple(of: 2) }, last]
        .filter { !$0.isEmpty }
    }
    // The circle method of round-robin tournaments; an odd count gets an empty seat.
    let seats = hosts + hosts % 2
    return (0..<seats - 1).map { round in
      (0..<seats / 2).compactMap { index in
        let one = index == 0 ? seats - 1 : (round + index) % (seats - 1)
        let other = (round + seats - 1 - index) % (seats - 1)
        return one < hosts && other < hosts ? (min(one, other), max(one, other)) : nil
      }
    }
  }

  /// All links, on every rank. Collective.
  func measure(_ watch: DoctorWatch) throws -> [DoctorLink] {
    var links: [DoctorLink] = []
    let rounds = Self.rounds(hosts: leaders.count)
    for (index, pairs) in rounds.enumerated() {
      let mine = pairs.firstIndex { [leaders[$0.0].rank, leaders[$0.1].rank].contains(communicator.rank) }
      watch.begin("links between hosts, round \(index + 1) of \(rounds.count)", isOwn: mine != nil)
      let group = try communicator.split(color: mine ?? pairs.count).duplicate(waiting: .spinning)
      var own: [Double] = []
      if let mine {
        let (from, to) = (leaders[pairs[mine].0].host, leaders[pairs[mine].1].host)
        watch.begin("the link between \(from) and \(to), round \(index + 1) of \(rounds.count)")
        own = [try latency(group), try bandwidth(group)]
      }
      watch.begin("links between hosts, round \(index + 1) of \(rounds.count)", isOwn: false)
      let latencies = try communicator.gather(own.first ?? 0)
      let bandwidths = try communicator.gather(own.last ?? 0)
      links += pairs.map { pair in
        let leader = leaders[pair.0].rank
        return DoctorLink(
          from: leaders[pair.0].host, to: leaders[pair.1].host, latency: latencies[leader],
          bandwidth: bandwidths[leader])
      }
    }
    return links.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }

  /// The shortest of some trips, one way.
  private func latency(_ pair: any Communicator) throws -> Double {
    var message: [UInt8] = [0]
    _ = try trip(&message, pair)
    var best = Double.infinity
    for _ in 0..<Self.trips { best = min(best, try trip(&message, pair) / 2) }
    return best
  }

  /// The rate of the last of messages that grow until one takes long enough: short ones pass at once where switches and
  /// rate limits have a bucket for them.
  private func bandwidth(_ pair: any Communicator) throws -> Double {
    var bytes = Self.firstBytes
    while true {
      var message = [UInt8](repeating: 1, count: bytes)
      let seconds = max(1e-9, try trip(&message, pair) / 2)
      // The greater of both clocks decides, so that both go on or neither.
      let slowest = try pair.maximum(of: seconds)
      if slowest >= Self.longEnough || bytes >= Self.mostBytes {
        let again = max(1e-9, try trip(&message, pair) / 2)
        return Double(bytes) / min(seconds, again)
      }
      bytes = min(Self.mostBytes, bytes * (slowest * 4 < Self.longEnough ? 4 : 2))
    }
  }

  /// Seconds there and back.
  private func trip(_ message: inout [UInt8], _ pair: any Communicator) throws -> Double {
    try pair.barrier()
    let start = ContinuousClock.now
    for root in 0..<2 {
      var span = message.mutableSpan
      var bytes = unsafe span.mutableBytes
      try pair.broadcast(&bytes, root: root)
    }
    return start.duration(to: .now).seconds
  }
}

extension DoctorChecks {
  /// Links that are much worse than the others.
  var network: DoctorCheck? {
    guard let slowest = links.min(by: { $0.bandwidth < $1.bandwidth }),
      let farthest = links.max(by: { $0.latency < $1.latency })
    else { return nil }
    let median = Self.median(links.map(\.bandwidth))
    let finding =
      "\(BenchmarkTable.bits(slowest.bandwidth)) at least (\(slowest.from) to \(slowest.to)), "
      + "\(BenchmarkTable.time(farthest.latency)) at most (\(farthest.from) to \(farthest.to))"
    guard slowest.bandwidth >= median / 2 else {
      return .warning(
        "network", "\(finding), where the median is \(BenchmarkTable.bits(median))",
        "look at that cable, switch port or interface; choose one with mpirun --mca btl_tcp_if_include")
    }
    return .ok("network", finding)
  }
}

extension BenchmarkTable {
  /// Bytes per second as `9.41 Gb/s`.
  static func bits(_ bytesPerSecond: Double) -> String { TableNumber.rate(bytesPerSecond * 8e-9) + " Gb/s" }
}
