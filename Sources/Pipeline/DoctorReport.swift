internal import Artifacts
internal import Communication
internal import Foundation

/// What the doctor found, for people and as JSON.
struct DoctorReport {
  let facts: [DoctorFacts]
  let links: [DoctorLink]
  let checks: [DoctorCheck]
  private let hosts: [(name: String, ranks: [DoctorFacts])]

  init(facts: [DoctorFacts], links: [DoctorLink], run: [DoctorCheck]) {
    let checks = DoctorChecks(facts, links: links, run: run)
    self.facts = facts
    self.links = links
    self.checks = checks.all
    hosts = checks.hosts
  }

  /// A row for every host, one for every link, one for every check, and what to do.
  var table: String {
    var table = BenchmarkTable()
    table.columns(
      [["host", "ranks", "processors", "threads", "memory", "available", "GFLOP/s each", "processor"]]
        + hosts.map { host in
          let processors = Set(host.ranks.flatMap(\.processors)).count
          let rates = host.ranks.map { $0.productRate / 1e9 }
          let first = host.ranks.first
          return [
            host.name, "\(host.ranks.count)", "\(processors) of \(first?.hostProcessors ?? 0)",
            Self.range(host.ranks.map { Double($0.threads) }, decimals: 0),
            ByteSize(bytes: first?.memoryBytes ?? 0).rounded,
            ByteSize(bytes: host.ranks.map(\.availableBytes).min() ?? 0).rounded, Self.range(rates, decimals: 1),
            first?.processor ?? "",
          ]
        })
    if !links.isEmpty {
      table.columns(
        [["link", "to", "one way", "rate"]]
          + links.map { [$0.from, $0.to, BenchmarkTable.time($0.latency), BenchmarkTable.bits($0.bandwidth)] })
    }
    let width = checks.map(\.name.count).max() ?? 0
    table.note(
      checks.flatMap { check in
        let name = check.name + String(repeating: " ", count: width - check.name.count)
        let state = check.state.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
        return ["\(state)  \(name)  \(check.finding)"] + (check.advice.map { ["         → \($0)"] } ?? [])
      })
    table.note([closing])
    return String(table.text.drop(while: \.isNewline))
  }

  private var closing: String {
    let (failures, warnings) = (checks.count { $0.state == .failure }, checks.count { $0.state == .warning })
    return failures + warnings == 0
      ? "all is well"
      : [TableNumber.counted(failures, "failure"), TableNumber.counted(warnings, "warning")].joined(separator: ", ")
  }

  private static func range(_ values: [Double], decimals: Int) -> String {
    let (low, high) = (
      TableNumber.fixed(values.min() ?? 0, decimals), TableNumber.fixed(values.max() ?? 0, decimals)
    )
    return low == high ? low : "\(low) to \(high)"
  }

  private struct Document: Encodable {
    let checks: [DoctorCheck]
    let ranks: [DoctorFacts]
    let links: [DoctorLink]
  }

  /// One object: `checks`, `ranks` with every fact of each, `links`.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      return String(
        decoding: try encoder.encode(Document(checks: checks, ranks: facts, links: links)), as: UTF8.self)
    }
  }
}
