import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Processes that are asked to end, stopped or killed while they score.
  @Suite struct StopTests {
    /// A run whose scoring takes some seconds.
    static let longRun = [
      "prune", "--model", Fixtures.demoModel, "--output", "out", "--calibration-text",
      Fixtures.repository + "/demo/train.txt", "--sequences", "400", "--length", "256", "--threads", "1", "--set",
      "scoring.accumulation=absolute", "--set", "resources.stop-within=600",
    ]

    /// Starts the long run, does `act` once scoring has begun, and waits. Each rank leaves its process's number in
    /// `pid.RANK`, and `$JOB` is the launcher's; the job's standard error is `log`, and the shell's the test's.
    static func interrupt(
      ranks: Int?, _ flags: [String] = [], in workspace: Workspace, _ act: String
    ) async throws -> (code: Int32, log: String, output: String) {
      let launcher = ranks.map { "mpirun -np \($0) --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 " } ?? ""
      let launched = try await Program.shell(
        """
        \(launcher)sh -c 'echo $$ > pid.${OMPI_COMM_WORLD_RANK:-0}; exec "$ESPALIER" \
        \((longRun + flags).joined(separator: " "))' > output 2> log &
        JOB=$!
        until grep -q "score  *begins" log || ! kill -0 $JOB 2> /dev/null; do sleep 0.05; done
        \(act)
        wait $JOB; echo $? > code; cat log >&2; cat output
        """, in: workspace.path)
      let code = String(decoding: try workspace.folder.read("code"), as: UTF8.self)
      return (try #require(Int32(code.trimmingCharacters(in: .newlines))), launched.errors, launched.output)
    }

    private static let saving = "saving, then leaving (a second one leaves at once)"

    /// What was done before the next phase is kept, and all ranks leave with the same code.
    @Test(arguments: ["TERM", "INT", "USR1"]) func aSignalIsAnsweredAtOnce(signal: String) async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(ranks: nil, in: workspace, "kill -\(signal) $(cat pid.0)")
      #expect(ended.code == 75, "\(ended.log)")
      let line = try #require(ended.log.firstMatch(of: /espalier: (SIG[A-Z1]+) in phase score.*: saving, then leaving/))
      #expect(line.output.1 == "SIG\(signal)")
      #expect(ended.log.contains("espalier: error: stopped by signal"))
      #expect(!workspace.everything.contains("out"))
    }

    /// mpirun forwards SIGUSR1 to every rank, without a limit of time.
    @Test func theLauncherForwards() async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(ranks: 2, in: workspace, "kill -USR1 $JOB")
      #expect(ended.code == 75, "\(ended.log)")
      #expect(ended.log.contains("espalier: SIGUSR1 in phase score"))
      #expect(ended.log.contains("espalier: rank 1: SIGUSR1 in phase score"))
      #expect(ended.log.components(separatedBy: "espalier: error: stopped by signal").count == 2)
      #expect(!workspace.everything.contains("out"))
    }

    @Test func aSecondSignalEndsTheProcess() async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(
        ranks: nil, in: workspace,
        "kill -TERM $(cat pid.0); until grep -q leaving log; do sleep 0.05; done; kill -INT $(cat pid.0)")
      #expect(ended.code == 130, "\(ended.log)")
      #expect(ended.log.contains(Self.saving) && !ended.log.contains("score                done"))
    }

    /// The launcher then asks the others to end, and one of them tells how far the run was.
    @Test(arguments: [0, 1]) func aKilledRankLeavesThePhasesName(rank: Int) async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(ranks: 2, in: workspace, "kill -KILL $(cat pid.\(rank))")
      #expect(ended.code == 137, "\(ended.log)")
      #expect(
        ended.log.contains(rank == 0 ? "espalier: rank 1: SIGTERM in phase score" : "espalier: SIGTERM in phase score"))
    }

    /// A stopped rank is named and the job ends, whoever it is; mpirun kills the stopped process too.
    @Test(arguments: [(2, 0), (3, 0), (3, 2)]) func aStoppedRankIsNamed(ranks: Int, rank: Int) async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(
        ranks: ranks, ["--set", "resources.watchdog=5"], in: workspace,
        // Long enough for a beat of it to have come.
        "sleep 3; kill -STOP $(cat pid.\(rank))")
      #expect(ended.code == 76, "\(ended.log)")
      let lines = ended.log.split(separator: "\n").filter { $0.hasPrefix("espalier: watchdog: ") }
      #expect(lines.count == 1)
      #expect(
        lines.first?.contains(
          try Regex(
            "watchdog: rank \(rank) on .+ silent for 5 s, last in phase score, (layer [1-6] of 6|head|embedding)"))
          == true, "\(ended.log)")
      let pid = String(decoding: try workspace.folder.read("pid.\(rank)"), as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      // Nothing is left of it, but its number where nobody asks for it.
      #expect((try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")))?.isEmpty ?? true)
    }

    /// A rank that only stood still for a while is waited for, and named in the report.
    @Test func aSlowRankIsNamedInTheReport() async throws {
      let workspace = try Workspace()
      let ended = try await Self.interrupt(
        ranks: 2, in: workspace, "kill -STOP $(cat pid.1); sleep 15; kill -CONT $(cat pid.1)")
      #expect(ended.code == 0, "\(ended.log)")
      #expect(ended.output.contains(/\nstragglers {4}rank 1 on .+ × the median in score/), "\(ended.output)")
    }

    /// A model that is written over while it is scored.
    @Test func aModelThatChangesStopsTheRun() async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: "model.safetensors") { $0 }
      let ended = try await Self.interrupt(
        ranks: 2, ["--model", model], in: workspace, "touch -d '2001-01-01' \(model)/model.safetensors")
      #expect(ended.code == 65, "\(ended.log)")
      #expect(ended.log.contains("model.safetensors changed while the run was reading it"), "\(ended.log)")
      #expect(!workspace.everything.contains("out"))
    }
  }
}
