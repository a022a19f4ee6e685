internal import Artifacts
internal import Communication

/// Whether the right processes were started, and where.
extension DoctorChecks {
  /// The count against what launcher and batch system promised. A job whose processes do not see each other at all ends
  /// before, when the message library starts.
  var ranks: DoctorCheck {
    let count = TableNumber.counted(facts.count, "rank") + " on \(TableNumber.counted(hosts.count, "host"))"
    let promises = facts.first?.promises ?? [:]
    guard let other = promises.filter({ $0.value != facts.count }).min(by: { $0.key < $1.key }) else {
      let names = promises.keys.sorted().joined(separator: " and ")
      return .ok("ranks", names.isEmpty ? "\(count), started without a launcher" : "\(count), as \(names) promised")
    }
    if facts.count == 1 {
      return .failure(
        "ranks", "\(other.key) promises \(other.value) ranks, but this one sees no other",
        "start it with mpirun, or srun --mpi=pmix, of the Open MPI that espalier is linked with", ExitCode.ranks)
    }
    return .warning(
      "ranks", "\(count), but \(other.key) promises \(other.value)",
      "leave out -np, or ask the batch system for as many tasks as ranks")
  }

  /// The same program and library everywhere.
  var programs: DoctorCheck {
    let programs = differences { "\($0.version) (\($0.program))" }
    if let programs {
      return .failure(
        "versions", "espalier differs: \(programs)", "install one build on every host, or put it on a shared disk",
        ExitCode.ranks)
    }
    if let libraries = differences({ $0.messageLibrary }) {
      return .failure(
        "versions", "the message library differs: \(libraries)",
        "install one version on every host, or load the same module in every shell", ExitCode.ranks)
    }
    let own = facts.first.map { "espalier \($0.version) (\($0.program)), \($0.messageLibrary)" } ?? ""
    return .ok("versions", "\(own) everywhere")
  }

  /// Threads against the processors that they may use.
  var binding: DoctorCheck {
    for host in hosts {
      let allowed = Set(host.ranks.flatMap(\.processors))
      let threads = host.ranks.reduce(0) { $0 + $1.threads }
      let here = "\(host.name): \(TableNumber.counted(host.ranks.count, "rank")) with \(threads) threads in all"
      if threads > allowed.count {
        return .warning(
          "binding", "\(here) may use \(TableNumber.counted(allowed.count, "processor"))",
          "start fewer ranks there (slots= in the hostfile), give them fewer threads (OPENBLAS_NUM_THREADS), or let them "
            + "have more processors (--map-by ppr:1:node:PE=N --bind-to core)")
      }
      if let quota = host.ranks.compactMap(\.quota).min(), Double(threads) > quota + 0.5 {
        return .warning(
          "binding", "\(here), but the control group grants the time of \(TableNumber.fixed(quota, 1)) processors",
          "ask for more, or set OPENBLAS_NUM_THREADS so that ranks have no more threads together")
      }
      let most = host.ranks.map(\.hostProcessors).max() ?? 0
      if allowed.count * 2 <= most {
        return .warning(
          "binding", "\(here) may use \(allowed.count) of \(most) processors",
          "bind more of them: mpirun --map-by ppr:1:numa:PE=N --bind-to core, N the cores of a memory domain")
      }
      if let domains = host.ranks.map(\.memoryDomains).max(), domains > 1, isSharing(host.ranks) {
        return .warning(
          "binding", "\(here) share processors of \(domains) memory domains",
          "give each rank a domain: mpirun --map-by ppr:1:numa:PE=N --bind-to core")
      }
    }
    let isShared = hosts.contains { isSharing($0.ranks) }
    return .ok(
      "binding",
      isShared
        ? "ranks of a host share its processors, no more threads than these"
        : "every rank has processors of its own")
  }

  private func isSharing(_ ranks: [DoctorFacts]) -> Bool {
    Set(ranks.flatMap(\.processors)).count < ranks.reduce(0) { $0 + $1.processors.count }
  }
}
