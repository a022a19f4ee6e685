import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The verbs that train, and `prune` with them.
  @Suite struct TrainingTests {
    /// Gates over two stages with new scores in between, and recovery, of few and short steps.
    static let training = [
      "tuning.steps=4", "tuning.length=32", "tuning.batch=3", "tuning.validation=4", "tuning.warm-up=0",
      "tuning.stages=2", "tuning.schedule=linear", "tuning.rescore=true", "recovery.steps=5", "recovery.length=32",
      "recovery.batch=3", "recovery.validation=4", "recovery.dropout=0.1", "recovery.warm-up=1",
    ].flatMap { ["--set", $0] }
    static let options = VerbTests.options + training

    /// The lines of metrics.jsonl.
    static func metrics(_ workspace: Workspace, _ folder: String) throws -> [[String: Any]] {
      try String(decoding: workspace.folder.read("\(folder)/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
        .map { try object(String($0)) }
    }

    private static func run(_ arguments: [String], in workspace: Workspace, ranks: Int? = 2) async throws -> [String:
      Any]
    {
      let launched = try await Program.run(arguments + ["--json", "--quiet"], ranks: ranks, in: workspace.path)
      try #require(launched.code == 0 && launched.ownLines.isEmpty, "\(arguments[0]): \(launched.errors)")
      return try object(launched.output)
    }

    /// `prune` leaves everything that it promises, the verbs one after the other leave the same, and what is written is
    /// as good as was reported.
    @Test func stagesGiveWhatPruneGives() async throws {
      let workspace = try Workspace()
      let report = try await Self.run(["prune", "--output", "whole"] + Self.options, in: workspace)
      let names = try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file("whole.run")).sorted()
      #expect(
        names == [
          "gates.safetensors", "metrics.jsonl", "plan.json", "pruned", "report.html", "report.json", "run.yaml",
          "scores.safetensors", "trace.json",
        ])
      let written = try object(String(decoding: try workspace.folder.read("whole.run/report.json"), as: UTF8.self))
      #expect(NSDictionary(dictionary: report) == NSDictionary(dictionary: written))
      let page = String(decoding: try workspace.folder.read("whole.run/report.html"), as: UTF8.self)
      #expect(page.contains("Gate tuning"))

      // One line per step, in order.
      let metrics = try Self.metrics(workspace, "whole.run")
      #expect(
        metrics.map { $0["stage"] as? String } == Array(repeating: "tune", count: 4)
          + Array(repeating: "recover", count: 5))
      #expect(metrics.map { $0["step"] as? Int } == [1, 2, 3, 4, 1, 2, 3, 4, 5])
      #expect(metrics.map { $0["round"] as? Int } == [0, 0, 1, 1, 0, 0, 0, 0, 0])
      #expect(metrics.map { $0["validation_perplexity"] != nil }.prefix(4) == [false, true, false, true])
      #expect(metrics.allSatisfy { ($0["loss"] as? Double ?? -1) > 0 && ($0["gradient_norm"] as? Double ?? -1) > 0 })
      // 3 sequences of 32 tokens.
      #expect(metrics.map { $0["tokens"] as? Int } == [96, 192, 288, 384, 96, 192, 288, 384, 480])

      let training = try #require(report["training"] as? [[String: Any]])
      #expect(training.map { $0["stage"] as? String } == ["tune", "recover"])
      #expect(training.map { $0["steps"] as? Int } == [4, 5] && training.map { $0["tokens"] as? Int } == [384, 480])
      #expect((training[0]["rounds"] as? [Any])?.count == 2)
      let perplexities = try #require(report["perplexities"] as? [[String: Any]])
      #expect(perplexities.map { $0["name"] as? String } == ["dense", "one-shot", "gates", "gates + LoRA"])
      let values = perplexities.compactMap { $0["value"] as? Double }
      #expect(values.count == 4 && values[0] < values[1] && Set(values).count == 4)
      let perplexity = try #require(report["perplexity"] as? [String: Any])
      #expect(perplexity["before"] as? Double == values[0] && perplexity["after"] as? Double == values[3])
      let sparsity = try #require((report["sparsity"] as? [String: Any])?["achieved"] as? Double)
      #expect(abs(sparsity - 0.3) < 0.01)

      // What was written is what was measured.
      for (model, value) in [("whole", values[3]), ("whole.run/pruned", values[2])] {
        let arguments = VerbTests.options.map { $0 == Fixtures.demoModel ? workspace.folder.file(model) : $0 }
        let measured = try await Self.run(["evaluate"] + arguments, in: workspace)
        let own = try #require((measured["perplexity"] as? [String: Any])?["before"] as? Double)
        #expect(abs(own / value - 1) < 1e-6, "\(model)")
      }

      // The same by its stages.
      _ = try await Self.run(["score", "--output", "cut"] + Self.options, in: workspace)
      let tuned = try await Self.run(["tune", "--output", "cut"] + Self.options, in: workspace)
      #expect((tuned["perplexities"] as? [[String: Any]])?.map { $0["name"] as? String } == ["one-shot", "gates"])
      for file in ["scores.safetensors", "gates.safetensors", "plan.json"] {
        #expect(try workspace.folder.read("cut.run/\(file)") == workspace.folder.read("whole.run/\(file)"), "\(file)")
      }
      _ = try await Self.run(
        ["repack", "--output", "cut", "--gates", "cut.run/gates.safetensors"] + Self.options, in: workspace)
      let cut = workspace.folder.file("cut")
      _ = try await Self.run(
        ["recover", "--output", "parts", "--set", "recovery.teacher=\(Fixtures.demoModel)"]
          + Self.options.map { $0 == Fixtures.demoModel ? cut : $0 }, in: workspace)
      for (own, wanted) in [("cut", "whole.run/pruned"), ("parts", "whole")] {
        let files = try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file(wanted)).sorted()
        #expect(try FileManager.default.contentsOfDirectory(atPath: workspace.folder.file(own)).sorted() == files)
        for file in files {
          #expect(
            try workspace.folder.read("\(own)/\(file)") == workspace.folder.read("\(wanted)/\(file)"), "\(own)/\(file)")
        }
      }

      // Gates belong to their plan alone.
      _ = try await Self.run(["allocate", "--output", "cut", "--sparsity", "0.2"] + VerbTests.options, in: workspace)
      let before = workspace.everything
      let refused = try await Program.run(
        ["repack", "--output", "other", "--gates", "whole.run/gates.safetensors", "--plan", "cut.run/plan.json"]
          + VerbTests.options, ranks: 2, in: workspace.path)
      WrongInput.check(refused, code: 65, parts: ["gates.safetensors", "plan_hash", "tune again"], isLaunched: true)
      #expect(workspace.everything == before)
    }

    /// A rank that is killed while gates are tuned costs nothing but time: the same command ends with the same bytes.
    @Test(arguments: [nil, 2]) func killedAndResumed(ranks: Int?) async throws {
      let workspace = try Workspace()
      let settings = ["tuning.steps=24", "tuning.stages=2", "tuning.save-every=1"].flatMap { ["--set", $0] }
      func arguments(_ output: String) -> [String] {
        ["--output", output] + Self.options + settings + ["--set", "tuning.rescore=false"]
      }
      for output in ["undisturbed", "killed"] {
        _ = try await Self.run(["score"] + arguments(output), in: workspace, ranks: ranks)
      }
      _ = try await Self.run(["tune"] + arguments("undisturbed"), in: workspace, ranks: ranks)

      let launcher = ranks.map { "mpirun -np \($0) --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 " } ?? ""
      let victim = ranks == nil ? "$pid" : "$(cut -d' ' -f1 /proc/$pid/task/$pid/children)"
      let command = "\(launcher)$ESPALIER tune \(arguments("killed").joined(separator: " ")) --quiet"
      let killed = try await Program.shell(
        """
        \(command) & pid=$!
        while kill -0 $pid && ! grep -Eq '"step" : ([3-9]|[12][0-9])' killed.run/state/tune.json; do sleep 0.01; done 2>/dev/null
        kill -9 \(victim); wait $pid || exit 3
        """, in: workspace.path)
      #expect(killed.code == 3)
      let left = workspace.everything
      try #require(left.contains("killed.run/state/tune.json") && !left.contains("killed.run/gates.safetensors"))
      let first = try workspace.folder.read("killed.run/metrics.jsonl").split(separator: UInt8(ascii: "\n")).prefix(3)

      _ = try await Self.run(["tune"] + arguments("killed"), in: workspace, ranks: ranks)
      for file in ["gates.safetensors", "plan.json"] {
        #expect(
          try workspace.folder.read("killed.run/\(file)") == workspace.folder.read("undisturbed.run/\(file)"), "\(file)"
        )
      }
      // The first steps were not run again, and no step is told of twice.
      let lines = try workspace.folder.read("killed.run/metrics.jsonl").split(separator: UInt8(ascii: "\n"))
      #expect(first.count == 3 && Array(lines.prefix(3)) == Array(first))
      #expect(try Self.metrics(workspace, "killed.run").map { $0["step"] as? Int } == Array(1...24))
      #expect(!workspace.everything.contains { $0.contains("state") || $0.contains("partial") })
    }

    /// A run without recovery in the folder of one with it tells nothing of the earlier one's.
    @Test func metricsOfAnEarlierRun() async throws {
      let workspace = try Workspace()
      _ = try await Self.run(["prune", "--output", "out"] + Self.options, in: workspace, ranks: nil)
      #expect(try Self.metrics(workspace, "out.run").count == 9)
      _ = try await Self.run(
        ["prune", "--output", "out", "--overwrite"] + Self.options + ["--set", "recovery.steps=0"], in: workspace,
        ranks: nil)
      #expect(
        try Self.metrics(workspace, "out.run").map { $0["stage"] as? String } == ["tune", "tune", "tune", "tune"])
    }
  }
}
