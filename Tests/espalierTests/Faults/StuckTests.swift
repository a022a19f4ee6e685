import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Runs that would wait without end for what the system does not give, or for a rank that does not come.
  @Suite struct StuckTests {
    private static let run = (Workspace.smallRun + ["--quiet"]).joined(separator: " ")

    /// One line, exit code 71, and no folder left.
    private func refused(_ line: String, _ parts: [String], ranks: Int? = nil) async throws {
      let workspace = try Workspace()
      let launcher = ranks.map { "mpirun -np \($0) --oversubscribe --bind-to none " } ?? ""
      let launched = try await Program.shell("\(launcher)sh -c '\(line)'", in: workspace.path)
      #expect(launched.code == 71, "\(launched.errors)")
      let own = launched.ownLines.filter { $0.hasPrefix("espalier: error") }
      #expect(own.count >= 1 && own.count <= ranks ?? 1, "\(launched.errors)")
      for part in parts { #expect(own.first?.contains(part) == true, "\(part) is not in \(launched.errors)") }
      #expect(workspace.everything.isEmpty)
    }

    /// OpenBLAS asks for its buffers again and again.
    @Test(arguments: [("-v 900000", "ulimit -v is 900000"), ("-d 300000", "ulimit -d is 300000")], [nil, 2])
    func noMemoryForProducts(limit: (String, String), ranks: Int?) async throws {
      try await refused(
        "ulimit \(limit.0); exec \"$ESPALIER\" \(Self.run) --threads 8",
        ["products need 134.2 MB of address space", limit.1, "lower resources.threads (here 8)"], ranks: ranks)
    }

    /// Threads that OpenBLAS started before main may wait for theirs, and must not keep the process from ending.
    @Test func noMemoryForOneProduct() async throws {
      try await refused(
        "ulimit -d 100000; OPENBLAS_NUM_THREADS=2; exec \"$ESPALIER\" \(Self.run)",
        ["products need 134.2 MB", "ulimit -d is 100000"])
    }

    /// What advice says works.
    @Test func fewerThreadsHaveRoom() async throws {
      let workspace = try Workspace()
      let launched = try await Program.shell("ulimit -v 900000; \"$ESPALIER\" \(Self.run)", in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
    }

    private static let another = "setpriv --reuid=65534 --clear-groups"

    /// Whether there is another user who may start the program: root's processes are not counted.
    static let canBeAnother: Bool = {
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-c", "\(another) test -x '\(Program.path)' -a -r '\(Fixtures.demoModel)/config.json'"]
      process.standardError = nil
      guard getuid() == 0, (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }()

    /// A thread that does not start: of signals and deadlines, and of products.
    @Test(
      .enabled(if: canBeAnother),
      arguments: [
        (4, 1, "of 6 further threads"), (6, 1, "of 6 further threads"), (10, 8, "resources.threads (here 8)"),
      ])
    func noThreads(limit: Int, threads: Int, words: String) async throws {
      // Processes of that user on this machine count as well, of which there are none.
      try await refused(
        "exec \(Self.another) bash -c \"ulimit -u \(limit); exec $ESPALIER \(Self.run) --threads \(threads)\"",
        ["can be started", "ulimit -u is \(limit)", words])
    }

    /// Ranks wait for one that was stopped: the signal's answer comes, and the run ends.
    @Test(arguments: [(2, 1, "kill -TERM $(cat pid.0)", 0), (3, 0, "kill -TERM $(cat pid.1)", 1)])
    func aRunThatCannotLeaveIsEnded(ranks: Int, stopped: Int, signal: String, told: Int) async throws {
      let workspace = try Workspace()
      let ended = try await StopTests.interrupt(
        ranks: ranks, ["--set", "resources.stop-within=3"], in: workspace,
        "kill -STOP $(cat pid.\(stopped)); sleep 1; \(signal)")
      #expect(ended.code == 75, "\(ended.log)")
      // A rank that mpirun wakes to end it may still say that it stopped, as any rank does.
      let lines = ended.log.split(separator: "\n").filter {
        $0.hasPrefix("espalier: error") && !$0.contains("stopped by signal")
      }
      #expect(lines.count == 1, "\(ended.log)")
      #expect(
        lines.first?.contains(
          try Regex("espalier: error on rank \(told): SIGTERM was \\d s ago, and phase score.+does not come to"))
          == true, "\(ended.log)")
      #expect(ended.log.contains("what was saved before stays") && ended.log.contains("resources.stop-within"))
    }
  }
}
