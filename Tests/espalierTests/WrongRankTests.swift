import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Ranks that do not fit together, artifacts of other models, and disks that are full.
  @Suite struct WrongRankTests {
    /// Started by the launcher of another MPI, each process is alone; the first of them speaks.
    @Test(arguments: [("OMPI_COMM_WORLD_", "Open MPI"), ("PMI_", "PMI")], [0, 1])
    func singletons(launcher: (prefix: String, name: String), rank: Int) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        Workspace.smallRun, in: workspace.path,
        environment: ["\(launcher.prefix)SIZE": "4", "\(launcher.prefix)RANK": "\(rank)"])
      #expect(launched.code == 69)
      if rank == 0 {
        let parts = ["4 processes by \(launcher.name)", "MPI sees 1", "start with the mpirun"]
        WrongInput.check(launched, code: 69, parts: parts, isLaunched: true)
      } else {
        #expect(launched.ownLines.isEmpty && launched.output.isEmpty)
      }
      #expect(workspace.everything.isEmpty)
    }

    struct Unequal: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let first: [String]
      let second: [String]
      let code: Int32
      let parts: [String]
    }

    static let unequal: [Unequal] = [
      Unequal(
        testDescription: "another sparsity", first: Workspace.smallRun,
        second: Workspace.smallRun + ["--sparsity", "0.2"],
        code: 69, parts: ["rank 1 has a different allocation.sparsity (0.2; rank 0: 0.3)"]),
      Unequal(
        testDescription: "another output", first: Workspace.smallRun,
        second: Workspace.smallRun + ["--output", "other"],
        code: 69, parts: ["rank 1 has a different output"]),
      Unequal(
        testDescription: "another source of weights", first: Workspace.smallRun + ["--set", "resources.weights=owner"],
        second: Workspace.smallRun + ["--set", "resources.weights=files"], code: 69, parts: ["resources.weights (files"]
      ),
      Unequal(
        testDescription: "another verb", first: Workspace.smallRun, second: ["score"] + Workspace.smallRun.dropFirst(),
        code: 69, parts: ["rank 1 has a different command (score; rank 0: prune)"]),
      Unequal(
        testDescription: "a plan on one rank alone",
        first: ["evaluate", "--plan", "plan.json"] + Workspace.smallRun.dropFirst() + [
          "--evaluation-text", Workspace.valid,
        ],
        second: ["evaluate"] + Workspace.smallRun.dropFirst() + ["--evaluation-text", Workspace.valid],
        code: 69, parts: ["command (evaluate; rank 0: evaluate --plan)"]),
      Unequal(
        testDescription: "a verb of one rank", first: ["tokenize", "--model", Fixtures.demoModel, Workspace.valid],
        second: ["inspect", Fixtures.demoModel], code: 69, parts: ["command (inspect; rank 0: tokenize)"]),
      Unequal(
        testDescription: "another text", first: Workspace.smallRun,
        second: Workspace.smallRun.map { $0 == Workspace.valid ? "valid.txt" : $0 },
        code: 66, parts: ["rank 1: valid.txt"]),
      Unequal(
        testDescription: "a wrong flag on the second", first: Workspace.smallRun,
        second: Workspace.smallRun + ["--nope"],
        code: 64, parts: ["rank 1: unknown option '--nope'"]),
      Unequal(
        testDescription: "a wrong flag on the first", first: Workspace.smallRun + ["--nope"],
        second: Workspace.smallRun,
        code: 64, parts: ["rank 0: unknown option '--nope'"]),
    ]

    @Test(arguments: unequal) func unequalRanks(_ ranks: Unequal) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(parts: [(1, ranks.first), (1, ranks.second)], in: workspace.path)
      WrongInput.check(launched, code: ranks.code, parts: ranks.parts, isLaunched: true)
      #expect(workspace.everything.isEmpty)
    }

    /// Scores and plans are known to be another model's by its hash, though their shapes fit.
    @Test(arguments: [nil, 2]) func artifactsOfAnotherModel(ranks: Int?) async throws {
      let workspace = try Workspace()
      #expect(try await Program.run(Workspace.smallRun, in: workspace.path).code == 0)
      let other = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(2)) + [0x80, 0x3F] }
      let before = workspace.everything
      let options = Workspace.smallRun(model: other).dropFirst() + ["--output", "new"]
      for (verb, flag, file, part) in [
        (
          "allocate", "--scores", "out.run/scores.safetensors",
          "the scores are of another model; score this model again"
        ),
        ("repack", "--plan", "out.run/plan.json", "use the model that was scored, or make the plan again"),
      ] {
        let launched = try await Program.run([verb] + options + [flag, file], ranks: ranks, in: workspace.path)
        WrongInput.check(launched, code: 65, parts: [file, part], isLaunched: ranks != nil)
      }
      #expect(workspace.everything == before)
    }

    /// Whether this process may mount a file system in a namespace of its own.
    static let canMount: Bool = {
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-c", "unshare -m mount -t tmpfs none /mnt >/dev/null 2>&1"]
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }()

    /// A disk too small for the output, and one too small for what memory may not hold.
    @Test(.enabled(if: canMount, "needs the right to mount a small file system"), arguments: ["out", "spill"])
    func fullDisk(use: String) async throws {
      let workspace = try Workspace()
      try workspace.folder.makeFolder("disk")
      let output = use == "out" ? "disk/out" : "out"
      let run = Workspace.smallRun + ["--output", output, "--run-folder", "out.run", "--sequences", "64"]
      let refused = try await Program.run(run + ["--memory-limit", "1MB"], in: workspace.path)
      let least = String(try #require(refused.errors.firstMatch(of: /about (\d+MB) is needed/)).output.1)
      let command = (run + (use == "out" ? [] : ["--memory-limit", least])).joined(separator: " ")
      let launched = try await Program.shell(
        """
        unshare -m sh -c 'mount -t tmpfs -o size=1m none disk && \
        \(use == "out" ? "" : "export TMPDIR=\(workspace.path)/disk; ")"$ESPALIER" \(command); code=$?; \
        ls -A disk > listing; exit $code'
        """, in: workspace.path)
      WrongInput.check(
        launched, code: 74, parts: ["No space left on device", "free space"], hasBegun: true, isLaunched: false)
      #expect(try workspace.folder.read("listing").isEmpty)
      let left = workspace.everything.subtracting(["disk", "listing", "out.run", "out.run/run.yaml"])
      let files = ["scores.safetensors", "plan.json", "state", "state/run.json"].map { "out.run/\($0)" }
      #expect(left.isSubset(of: files), "\(left)")
    }

    /// Standard output that cannot be written is an error, not a loss.
    @Test(arguments: ["inspect \(Fixtures.demoModel)", "tokenize --model \(Fixtures.demoModel) \(Workspace.valid)"])
    func fullStandardOutput(command: String) async throws {
      let workspace = try Workspace()
      let launched = try await Program.shell("\"$ESPALIER\" \(command) > /dev/full", in: workspace.path)
      WrongInput.check(launched, code: 74, parts: ["standard output", "No space left"], isLaunched: false)
    }

    /// Standard input that is no text.
    @Test func binaryStandardInput() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["tokenize", "--model", Fixtures.demoModel], in: workspace.path, input: [0x61, 0x0A, 0x62, 0xFF, 0x0A])
      #expect(launched.code == 65)
      #expect(
        launched.errors
          == "espalier: error: standard input: line 2: invalid UTF-8 at byte 3 of the text; convert it to UTF-8\n")
    }
  }
}
