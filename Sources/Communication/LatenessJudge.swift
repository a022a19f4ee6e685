/// Decides, from what ranks tell of themselves and when, whether one is late. It has no clock: times are seconds of the
/// caller's.
public struct LatenessJudge: Sendable {
  /// What one rank was heard of.
  private struct Record {
    var beat = Beat()
    /// When it was last heard.
    var heard: Double
    /// When it was last heard to have got on.
    var advanced: Double
  }

  private var records: [Int: Record]
  private let limit: Double
  private let interval: Double
  private let checksProgress: Bool
  private var lastLook: Double

  /// - Parameters:
  ///   - ranks: whom to judge.
  ///   - limit: seconds after which a rank is late.
  ///   - interval: seconds between two beats of a rank.
  ///   - checksProgress: whether a rank that is heard has to get on, too.
  public init(ranks: some Sequence<Int>, limit: Double, interval: Double, checksProgress: Bool, now: Double) {
    let record = Record(heard: now, advanced: now)
    records = Dictionary(uniqueKeysWithValues: ranks.map { ($0, record) })
    (self.limit, self.interval, self.checksProgress) = (limit, interval, checksProgress)
    lastLook = now
  }

  /// Notes a rank's beat. A goodbye ends its being judged.
  public mutating func heard(_ beat: Beat, from rank: Int, at now: Double) {
    guard var record = records[rank] else { return }
    guard !beat.isGoodbye else {
      records[rank] = nil
      return
    }
    if beat.ticks != record.beat.ticks || beat.waits != record.beat.waits { record.advanced = now }
    record.beat = beat
    record.heard = now
    records[rank] = record
  }

  /// Who is late; nil: nobody. To be asked about every `interval`.
  ///
  /// A caller that did not come to ask for long was stopped itself: what others did meanwhile lies in messages that it has
  /// not read, so their time starts again.
  public mutating func verdict(at now: Double) -> Lateness? {
    let gap = now - lastLook
    lastLook = now
    if gap > max(3 * interval, limit / 4) {
      for rank in records.keys {
        records[rank]?.heard += gap
        records[rank]?.advanced += gap
      }
    }
    if let silent = late({ now - $0.heard }) { return make(.silent, silent, now) }
    guard checksProgress else { return nil }
    // A rank that is not heard just now may be silent: it is not judged by what it last said.
    let fresh = records.filter { now - $0.value.heard < max(3 * interval, limit / 4) }
    if let idle = late({ now - $0.advanced }, among: fresh.filter { !$0.value.beat.isWaiting }) {
      return make(.idle, idle, now)
    }
    let waiting = records.filter { $0.value.beat.isWaiting && now - $0.value.advanced > limit }
    guard records.count > 1, waiting.count == records.count, fresh.count == records.count else { return nil }
    return make(.deadlock, records.keys.sorted(), now)
  }

  /// The ranks whose `age` is past the limit, with those that are just about to be: a host's ranks come together.
  private func late(_ age: (Record) -> Double, among all: [Int: Record]? = nil) -> [Int]? {
    let ages = (all ?? records).mapValues(age)
    guard ages.values.contains(where: { $0 > limit }) else { return nil }
    return ages.filter { $0.value > limit - 2 * interval }.keys.sorted()
  }

  private func make(_ kind: Lateness.Kind, _ ranks: [Int], _ now: Double) -> Lateness {
    Lateness(kind: kind, ranks: ranks, beats: ranks.compactMap { records[$0]?.beat }, limit: limit)
  }
}

/// Ranks that are late.
public struct Lateness: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// Nothing was heard of them: a stopped process, a host that is gone.
    case silent
    /// Their main threads neither got anything done nor waited for others.
    case idle
    /// All ranks wait for each other.
    case deadlock
  }

  public let kind: Kind
  /// Ascending.
  public let ranks: [Int]
  /// What each of them said last.
  public let beats: [Beat]
  /// Seconds that they were given.
  public let limit: Double

  /// One line for the user.
  ///
  /// - Parameter hosts: the host of every rank of the job, by rank.
  public func line(hosts: [String]) -> String {
    let who = RankList(ranks).description
    let places = Set(ranks.map { hosts.indices.contains($0) ? hosts[$0] : "" }).subtracting([""]).sorted()
    let place = places.isEmpty ? "" : " on " + places.joined(separator: ", ")
    let position = beats.first?.position ?? ""
    let time = limit == limit.rounded() ? "\(Int(limit)) s" : "\(limit) s"
    let advice = "or raise resources.watchdog; the same command goes on from what is saved"
    switch kind {
    case .silent:
      return "\(who)\(place) silent for \(time), last in \(position); look whether the process is stopped or the host "
        + "is down, \(advice)"
    case .idle:
      return "\(who)\(place) got nothing done for \(time) in \(position); look at that host's disk, memory and load, "
        + advice
    case .deadlock:
      let positions = zip(ranks, beats).map { "rank \($0) in \($1.position)" }
      let isCommon = Set(beats.map(\.position)).count == 1
      let whereabouts = isCommon ? "in \(position)" : "(\(positions.prefix(4).joined(separator: "; ")))"
      return "all ranks wait for each other since \(time) \(whereabouts); look at the links between "
        + "\(places.count > 8 ? "the hosts" : places.joined(separator: ", ")), \(advice)"
    }
  }
}
