import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// One run in a folder, and never two that come to something else.
  @Suite struct RunFolderTests {
    static let run =
      Workspace.smallRun + [
        "--sequences", "48", "--evaluation-text", "valid.txt", "--window", "128", "--limit", "40", "--set",
        "repacking.shard-size=20kB",
      ]

    /// A run that was killed after scoring, in a folder of its own.
    private static func killed(in workspace: Workspace) async throws -> String {
      let start = try workspace.folder.makeFolder("start")
      try FileManager.default.copyItem(atPath: Workspace.valid, toPath: start + "/valid.txt")
      try FileManager.default.copyItem(atPath: Fixtures.demoModel, toPath: start + "/model")
      _ = try await Interruption.kill(model(run), ranks: nil, after: "score", in: start)
      return start
    }

    /// With the folder's own copy of the model.
    private static func model(_ arguments: [String]) -> [String] {
      arguments.map { $0 == Fixtures.demoModel ? "model" : $0 }
    }

    @Test func anotherRunIsRefused() async throws {
      let workspace = try Workspace()
      let start = try await Self.killed(in: workspace)
      let before = workspace.everything
      let state = "out.run/state/run.json: there is an unfinished run of `prune` here, "
      for (arguments, part) in [
        (["--sparsity", "0.25"], "but allocation.sparsity was 0.3 and is now 0.25; undo that"),
        (["--sparsity", "0.25", "--seed", "3"], "but calibration.seed was 0 and is now 3; "),
        (["--limit", "30"], "but evaluation.limit was 40 and is now 30; "),
        (["--set", "resources.compute=f32"], "but resources.compute was auto and is now f32; "),
      ] {
        for ranks in [nil, 2] {
          let launched = try await Program.run(Self.model(Self.run) + arguments, ranks: ranks, in: start)
          WrongInput.check(launched, code: 73, parts: [state + part, "(--fresh)"], isLaunched: ranks != nil)
        }
      }
      let score = try await Program.run(["score"] + Self.model(Self.run).dropFirst(), in: start)
      WrongInput.check(score, code: 73, parts: [state + "not of `score`; "], isLaunched: false)

      // Another text under the same name, another model.
      let text = try TemporaryFolder.bytes(of: start + "/valid.txt")
      try Data([UInt8]("Something else. ".utf8) + text).write(to: URL(filePath: start + "/valid.txt"))
      let otherText = try await Program.run(Self.model(Self.run), ranks: 2, in: start)
      WrongInput.check(
        otherText, code: 73, parts: [state + "but evaluation.text valid.txt has changed since (SHA-256 "],
        isLaunched: true)
      try Data(text).write(to: URL(filePath: start + "/valid.txt"))
      let weights = start + "/model/model.safetensors"
      let bytes = try TemporaryFolder.bytes(of: weights)
      try Data(Array(bytes.dropLast(2)) + [0x80, 0x3F]).write(to: URL(filePath: weights))
      let otherModel = try await Program.run(Self.model(Self.run), in: start)
      WrongInput.check(otherModel, code: 73, parts: [state + "but model model has changed since"], isLaunched: false)
      try Data(bytes).write(to: URL(filePath: weights))
      // The lock of the killed run has been taken over, and given back.
      #expect(workspace.everything == before.subtracting(["start/out.run/run.lock"]))

      // What changes no result may change; and --fresh takes anything.
      for (arguments, continues) in [
        (["--memory-limit", "2GB", "--set", "resources.recompute=always", "--set", "resources.weights=files"], true),
        (["--fresh"], false), (["--sparsity", "0.25", "--fresh"], false),
      ] {
        let folder = workspace.folder.file("copy")
        try FileManager.default.copyItem(atPath: start, toPath: folder)
        let launched = try await Program.run(Self.model(Self.run) + arguments, ranks: 2, in: folder)
        #expect(launched.code == 0, "\(launched.errors)")
        #expect(launched.errors.contains("continues: evaluate dense, score") == continues, "\(launched.errors)")
        #expect(launched.ownLines.contains { $0.hasPrefix("score ") } == !continues)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/out.run")
        #expect(!names.contains("state") && !names.contains("run.lock"))
        try FileManager.default.removeItem(atPath: folder)
      }
    }

    /// A second run is told who is there, and leaves everything as it is; the first one notices nothing.
    @Test func aSecondRunIsRefused() async throws {
      let workspace = try Workspace()
      try FileManager.default.copyItem(atPath: Workspace.valid, toPath: workspace.folder.file("valid.txt"))
      let second = Self.run.joined(separator: " ")
      // The first one is stopped meanwhile, so that it cannot end before the second has looked.
      let launched = try await Program.shell(
        """
        "$ESPALIER" \(second) --quiet >first & pid=$!
        while kill -0 $pid && ! test -e out.run/state/run.json; do sleep 0.01; done 2>/dev/null
        kill -STOP $pid; find . -not -name '*.txt' | sort > before
        "$ESPALIER" \(second) --quiet 2>same; echo $? >>same
        "$ESPALIER" \(second) --quiet --overwrite --run-folder other.run 2>output; echo $? >>output
        mpirun -q -np 2 --oversubscribe "$ESPALIER" score \(Self.run.dropFirst().joined(separator: " ")) 2>verb; echo $? >>verb
        find . -not -name '*.txt' | sort > after
        kill -CONT $pid; wait $pid; echo $?
        """, in: workspace.path)
      #expect(launched.code == 0 && launched.output == "0\n", "\(launched.errors)")
      func lines(_ name: String) throws -> [String] {
        String(decoding: try workspace.folder.read(name), as: UTF8.self).split(separator: "\n").map(String.init)
      }
      for (name, place) in [("same", "out.run/run.lock"), ("verb", "out.run/run.lock")] {
        let said = try lines(name)
        #expect(said.count == 2 && said.last == "73", "\(said)")
        #expect(said[0].contains("\(place) is held by `prune` on "), "\(said)")
        #expect(
          said[0].contains(/\(process \d+, since 20\d\d-.*Z\); wait for its end, or name another run folder/), "\(said)"
        )
      }
      let output = try lines("output")
      #expect(output.count == 2 && output.last == "73", "\(output)")
      #expect(
        output[0].hasPrefix("espalier: error: cannot write to out: out/.espalier-unfinished is held by "), "\(output)")
      let known: Set = ["./after", "./output", "./same", "./verb"]
      #expect(Set(try lines("after")).subtracting(known) == Set(try lines("before")).subtracting(known))
      #expect(workspace.folder.names.contains("out") && !workspace.folder.names.contains("other.run"))
    }

    /// A run that failed before anything was over leaves nothing that another one would stumble over.
    @Test func aRunThatFailedAtOnce() async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(2)) + [0xC0, 0x7F] }
      let failed = try await Program.run(Workspace.smallRun(model: model), in: workspace.path)
      WrongInput.check(failed, code: 65, parts: ["NaN"], hasBegun: true, isLaunched: false)
      #expect(workspace.folder.names == ["model", "out.run"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file("out.run")) == ["run.yaml"])
      let other = try await Program.run(Workspace.smallRun, in: workspace.path)
      #expect(other.code == 0, "\(other.errors)")
    }
  }
}
