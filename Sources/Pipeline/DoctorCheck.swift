internal import Communication
internal import Foundation

/// One line of the doctor's table: what was looked at, what was found, and what to do.
package struct DoctorCheck: Encodable, Sendable, Equatable {
  package enum State: String, Encodable, Sendable {
    case ok
    /// A run works, but not as well as it could.
    case warning
    /// A run would fail.
    case failure
  }

  package let name: String
  package let state: State
  /// What was found, in one line.
  package let finding: String
  /// What to do; nil when all is well, or said in the finding.
  package let advice: String?
  /// What a run with this failure would end with; 0 without one.
  package let exitCode: Int32

  static func ok(_ name: String, _ finding: String) -> Self {
    Self(name: name, state: .ok, finding: finding, advice: nil, exitCode: ExitCode.success)
  }

  static func warning(_ name: String, _ finding: String, _ advice: String) -> Self {
    Self(name: name, state: .warning, finding: finding, advice: advice, exitCode: ExitCode.success)
  }

  static func failure(_ name: String, _ finding: String, _ advice: String, _ exitCode: Int32) -> Self {
    Self(name: name, state: .failure, finding: finding, advice: advice, exitCode: exitCode)
  }
}

extension DoctorCheck {
  /// What a run refuses, by its own line: what is wrong, and behind the last semicolon what to do.
  static func refusal(_ name: String, _ line: String, _ exitCode: Int32) -> Self {
    let separator = line.range(of: "; ", options: .backwards)
    return .failure(
      name, separator.map { String(line[..<$0.lowerBound]) } ?? line,
      separator.map { String(line[$0.upperBound...]) } ?? "change that: a run ends with this line", exitCode)
  }
}

/// At least one check failed; the table said which.
public struct DoctorError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The first failure's.
  public let exitCode: Int32
  public let description: String

  /// - Parameter failures: at least one.
  init(_ failures: [DoctorCheck]) {
    exitCode = failures.first?.exitCode ?? ExitCode.software
    description =
      "\(failures.map(\.name).joined(separator: ", ")): a run would fail here; the table says what to do"
  }
}

/// The checks of what all ranks told.
package struct DoctorChecks {
  let facts: [DoctorFacts]
  let links: [DoctorLink]
  /// What a run looks at before its work, by the run's own checks.
  let run: [DoctorCheck]
  /// Of each host its name and its ranks, in the order of first ranks.
  let hosts: [(name: String, ranks: [DoctorFacts])]

  /// - Parameter facts: in rank order, at least one.
  package init(_ facts: [DoctorFacts], links: [DoctorLink], run: [DoctorCheck] = []) {
    self.facts = facts
    self.links = links
    self.run = run
    hosts = Dictionary(grouping: facts, by: \.host).map { (name: $0.key, ranks: $0.value) }
      .sorted { ($0.ranks.first?.rank ?? 0) < ($1.ranks.first?.rank ?? 0) }
  }

  /// Every check that applies, failures of the launch first.
  package var all: [DoctorCheck] {
    [ranks, programs] + [strayLaunch, inputs, texts].compactMap { $0 } + placesAndRun
      + [binding, speed, processors, coreTypes, memory] + [sharedMemory, network, clock].compactMap { $0 }
  }

  /// Folders as the system and as a run sees them, and what else a run looks at.
  private var placesAndRun: [DoctorCheck] {
    let places = places.map { place in
      guard let own = run.first(where: { $0.name == place.name }), place.state != .failure else { return place }
      guard own.state == .ok else { return own }
      return DoctorCheck(
        name: place.name, state: place.state, finding: "\(place.finding); \(own.finding)", advice: place.advice,
        exitCode: place.exitCode)
    }
    return places + run.filter { own in !places.contains { $0.name == own.name } }
  }

  /// Values that more than one kind of rank has, as `A on ranks 0-1, B on rank 2`; nil when all have the same.
  func differences(_ value: (DoctorFacts) -> String) -> String? {
    let groups = Dictionary(grouping: facts, by: value)
    guard groups.count > 1 else { return nil }
    return groups.sorted { ($0.value.first?.rank ?? 0) < ($1.value.first?.rank ?? 0) }.map { group in
      "\(group.key) on \(RankList(group.value.map(\.rank)))"
    }.joined(separator: ", ")
  }
}
