internal import Communication

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
  /// What to do; nil when all is well.
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
  /// Of each host its name and its ranks, in the order of first ranks.
  let hosts: [(name: String, ranks: [DoctorFacts])]

  /// - Parameter facts: in rank order, at least one.
  package init(_ facts: [DoctorFacts], links: [DoctorLink]) {
    self.facts = facts
    self.links = links
    hosts = Dictionary(grouping: facts, by: \.host).map { (name: $0.key, ranks: $0.value) }
      .sorted { ($0.ranks.first?.rank ?? 0) < ($1.ranks.first?.rank ?? 0) }
  }

  /// Every check that applies, failures of the launch first.
  package var all: [DoctorCheck] {
    [ranks, programs] + [inputs].compactMap { $0 } + places + [binding, speed, processors, coreTypes, memory]
      + [network, clock].compactMap { $0 }
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
