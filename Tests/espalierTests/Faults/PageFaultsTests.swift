import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Several verbs in one run folder: report.json and report.html tell of what lies there now, never of another run.
  @Suite struct PageFaultsTests {
    private static let options =
      VerbTests.options
      + [
        "tuning.steps=2", "tuning.length=32", "tuning.batch=2", "tuning.validation=2", "tuning.warm-up=0",
        "tuning.stages=1", "recovery.steps=2", "recovery.length=32", "recovery.batch=2", "recovery.validation=2",
        "recovery.warm-up=0",
      ].flatMap { ["--set", $0] }
    /// Without text to measure perplexity on.
    private static let withoutText: [String] = {
      var options = Self.options
      if let index = options.firstIndex(of: "--evaluation-text") { options.removeSubrange(index...index + 1) }
      return options
    }()
    private static let oneShot = options + ["--set", "tuning.steps=0", "--set", "recovery.steps=0"]

    private static func run(_ arguments: [String], in workspace: Workspace) async throws -> [String: Any] {
      let launched = try await Program.run(arguments + ["--json", "--quiet"], in: workspace.path)
      try #require(launched.code == 0 && launched.ownLines.isEmpty, "\(arguments[0]): \(launched.errors)")
      return try object(launched.output)
    }

    private static func page(_ workspace: Workspace, _ folder: String = "out.run") throws -> String {
      String(decoding: try workspace.folder.read("\(folder)/report.html"), as: UTF8.self)
    }

    private static func written(_ workspace: Workspace, _ folder: String = "out.run") throws -> [String: Any] {
      try object(String(decoding: try workspace.folder.read("\(folder)/report.json"), as: UTF8.self))
    }

    private static func number(_ report: [String: Any], _ section: String, _ key: String) -> Double? {
      (report[section] as? [String: Any])?[key] as? Double
    }

    /// The verbs that had a part, with what each made that is still there.
    private static func told(_ report: [String: Any]) -> [String] {
      (report["commands"] as? [[String: Any]] ?? []).map { command in
        let made = (command["made"] as? [String] ?? []).filter { $0 != "document" }
        return "\(command["verb"] ?? ""): \(made.joined(separator: " "))"
      }
    }

    /// What users met: 20 % on the page of a model cut by 40 %.
    @Test func anotherSparsity() async throws {
      let workspace = try Workspace()
      let pruned = try await Self.run(["prune", "--output", "out", "--sparsity", "0.2"] + Self.oneShot, in: workspace)
      let dense = try #require(Self.number(pruned, "perplexity", "before"))
      #expect(try Self.page(workspace).contains("asked 20.00 %"))
      let scores = (pruned["artifacts"] as? [String: Any])?["scores"] as? String

      // The output is the model of the plan before, which is not told of.
      let tuned = try await Self.run(["tune", "--output", "out", "--sparsity", "0.4"] + Self.options, in: workspace)
      #expect(tuned["output"] == nil && Self.number(tuned, "parameters", "after") == nil)
      #expect(Self.number(tuned, "sparsity", "requested") == 0.4)
      #expect(Self.number(tuned, "perplexity", "before") == dense)
      #expect((tuned["artifacts"] as? [String: Any])?["scores"] as? String == scores)
      #expect(Self.told(tuned) == ["prune: scores", "tune: plan gates"])
      let measured = (tuned["perplexities"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
      #expect(measured == ["dense", "one-shot", "gates"])
      var page = try Self.page(workspace)
      #expect(!page.contains("20.00 %") && page.contains("asked 40.00 %") && page.contains("Parameters, planned"))
      #expect(page.contains("out is the model that an earlier plan left"))

      let repacked = try await Self.run(
        ["repack", "--output", "out", "--gates", "out.run/gates.safetensors", "--overwrite"] + Self.options,
        in: workspace)
      #expect(NSDictionary(dictionary: repacked) == NSDictionary(dictionary: try Self.written(workspace)))
      #expect(Self.told(repacked) == ["prune: scores", "tune: plan gates", "repack: output"])
      // What the plan was to leave is what was left, and what was measured under gates is told of the model with them.
      #expect(Self.number(repacked, "parameters", "after") == Self.number(tuned, "planned", "parameters"))
      #expect(Self.number(repacked, "bytes", "after") == Self.number(tuned, "planned", "bytes"))
      #expect(Self.number(repacked, "perplexity", "after") == Self.number(tuned, "perplexity", "after"))
      for _ in 0..<2 {
        page = try Self.page(workspace)
        #expect(!page.contains("20.00 %") && page.contains("asked 40.00 %") && !page.contains("planned"))
        #expect(page.contains("repack, 20") && page.contains("from_pretrained(&quot;out&quot;"))
        let again = try await Program.run(["report", "out.run"], in: workspace.path)
        #expect(again.code == 0 && again.errors.isEmpty, "\(again.errors)")
      }

      // Without its gates it is another model, of which nothing was measured.
      let bare = try await Self.run(["repack", "--output", "out", "--overwrite"] + Self.options, in: workspace)
      #expect(Self.number(bare, "perplexity", "after") == nil && bare["training"] == nil)
      #expect(Self.number(bare, "perplexity", "before") == dense)
    }

    /// Scores and plans that take the place of others take what was told of those with them; equal ones change nothing.
    @Test func scoresAndPlans() async throws {
      let workspace = try Workspace()
      let scored = try await Self.run(["score", "--output", "out"] + Self.withoutText, in: workspace)
      #expect(scored["sparsity"] == nil)
      let calibration = ((scored["scoring"] as? [String: Any])?["calibration"] as? [String: Any])
      #expect(calibration?["sequences"] as? Int == 4 && calibration?["length"] as? Int == 32)
      #expect(try Self.page(workspace).contains("valid.txt, 4 sequences × 32 tokens, seed 0"))
      for share in ["0.2", "0.4"] {
        let report = try await Self.run(
          ["allocate", "--output", "out", "--sparsity", share] + Self.withoutText, in: workspace)
        #expect(Self.number(report, "sparsity", "requested") == Double(share))
        #expect(Self.told(report) == ["score: scores", "allocate: plan"])
        #expect(report["scoring"] as? NSDictionary == scored["scoring"] as? NSDictionary)
      }
      #expect(try !Self.page(workspace).contains("20.00 %"))

      // The perplexity of a plan is told where its report has none.
      let masked = try await Self.run(
        ["evaluate", "--output", "out", "--plan", "out.run/plan.json"] + Self.options,
        in: workspace)
      let told = try Self.written(workspace)
      #expect(Self.number(told, "perplexity", "after") == Self.number(masked, "perplexity", "after"))
      #expect(Self.told(told) == ["score: scores", "allocate: plan", "evaluate: perplexity"])

      // The same scores again: the plan is still of them. Others: it is not.
      let again = try await Self.run(["score", "--output", "out"] + Self.withoutText, in: workspace)
      #expect(Self.number(again, "sparsity", "requested") == 0.4 && Self.number(again, "perplexity", "after") != nil)
      let other = try await Self.run(["score", "--output", "out", "--seed", "5"] + Self.withoutText, in: workspace)
      #expect(other["sparsity"] == nil && (other["layers"] as? [Any])?.isEmpty == true && other["planned"] == nil)
      #expect(Self.number(other, "perplexity", "after") == nil && Self.told(other) == ["score: scores"])
      #expect(try Self.page(workspace).contains("plan.json is an earlier plan, and has no part in this"))
    }

    /// What a run without a stage finds of one with it, it does not tell of; and what is no part of it is named.
    @Test func stagesOfAnEarlierRun() async throws {
      let workspace = try Workspace()
      let whole = try await Self.run(["prune", "--output", "out"] + Self.options, in: workspace)
      #expect((whole["training"] as? [[String: Any]])?.count == 2)
      let generated = try await Self.run(
        ["generate", "--output", "out", "--set", "generation.sequences=2", "--set", "generation.length=24"]
          + Self.options, in: workspace)
      #expect((generated["training"] as? [[String: Any]])?.count == 2 && generated["generated"] != nil)
      #expect(Self.told(generated) == ["prune: scores plan gates output", "generate: generated"])

      // Recovery alone, after tuning and recovery: the steps of tuning are no part of it.
      _ = try await Self.run(
        ["prune", "--output", "out", "--overwrite"] + Self.options + ["--set", "tuning.steps=0"], in: workspace)
      #expect(try TrainingTests.metrics(workspace, "out.run").map { $0["stage"] as? String } == ["recover", "recover"])
      #expect(try Self.page(workspace).contains("gates.safetensors is of an earlier plan"))
      #expect(try !Self.page(workspace).contains("Gate tuning"))

      let bare = try await Self.run(["prune", "--output", "out", "--overwrite"] + Self.oneShot, in: workspace)
      #expect(bare["training"] == nil && bare["generated"] != nil)
      let page = try Self.page(workspace)
      for name in ["gates.safetensors", "metrics.jsonl", "pruned"] {
        #expect(page.contains("\(name) is ") && page.contains("has no part in this"), "\(name)")
      }
      #expect(!page.contains("<h2>Recovery</h2>"))
    }

    /// `recover` leaves a report of its own run folder, with the pruned model as what there was before.
    @Test func recoverLeavesAReport() async throws {
      let workspace = try Workspace()
      _ = try await Self.run(["prune", "--output", "out"] + Self.oneShot, in: workspace)
      let cut = workspace.folder.file("out")
      let report = try await Self.run(
        ["recover", "--output", "better", "--set", "recovery.teacher=\(Fixtures.demoModel)"]
          + Self.options.map { $0 == Fixtures.demoModel ? cut : $0 }, in: workspace)
      #expect(NSDictionary(dictionary: report) == NSDictionary(dictionary: try Self.written(workspace, "better.run")))
      #expect((report["model"] as? [String: Any])?["is_pruned"] as? Bool == true)
      let page = try Self.page(workspace, "better.run")
      #expect(page.contains("<dd>better</dd>") && page.contains("before ") && !page.contains("detail\">dense "))
      // No verdict without the dense model.
      #expect(!page.contains("class=\"verdict\""))
    }

    /// `report` holds the page against the files beside it.
    @Test func filesThatWereReplaced() async throws {
      let workspace = try Workspace()
      _ = try await Self.run(["prune", "--output", "out", "--sparsity", "0.2"] + Self.oneShot, in: workspace)
      for (name, options) in [("other", Self.withoutText + ["--seed", "9"]), ("more", Self.withoutText)] {
        _ = try await Self.run(["score", "--output", name] + options, in: workspace)
        _ = try await Self.run(["allocate", "--output", name, "--sparsity", "0.4"] + options, in: workspace)
        _ = try await Self.run(["repack", "--output", name] + options, in: workspace)
      }
      func replaced(_ path: String, by other: String) async throws -> (page: String, warnings: [String]) {
        let start = try workspace.folder.makeFolder("copy")
        for folder in ["out", "out.run"] {
          try FileManager.default.copyItem(atPath: workspace.folder.file(folder), toPath: "\(start)/\(folder)")
        }
        try FileManager.default.removeItem(atPath: "\(start)/\(path)")
        try FileManager.default.copyItem(atPath: workspace.folder.file(other), toPath: "\(start)/\(path)")
        let launched = try await Program.run(["report", "out.run"], in: start)
        #expect(launched.code == 0 && launched.output == "out.run/report.html\n", "\(launched.errors)")
        let page = try Self.page(workspace, "copy/out.run")
        try FileManager.default.removeItem(atPath: start)
        return (page, launched.ownLines)
      }
      let plan = try await replaced("out.run/plan.json", by: "more.run/plan.json")
      #expect(
        plan.warnings.count == 1 && plan.warnings[0].contains("plan.json is not the plan that this page tells of"))
      #expect(plan.warnings[0].contains("asked for 40.00 %"))
      #expect(!plan.page.contains("20.00 %") && plan.page.contains("asked for 40.00 %"))

      let output = try await replaced("out", by: "more")
      #expect(output.warnings.count == 1 && output.warnings[0].contains("out is not what this page tells of"))
      #expect(output.page.contains("Parameters, planned") && !output.page.contains("class=\"verdict\""))

      let scores = try await replaced("out.run/scores.safetensors", by: "other.run/scores.safetensors")
      #expect(scores.warnings.count == 1 && scores.warnings[0].contains("scores.safetensors is not what"))
      #expect(!scores.page.contains("4 sequences × 32 tokens"))

      let document = try await replaced("out.run/run.yaml", by: "more.run/run.yaml")
      #expect(document.warnings.count == 1 && document.warnings[0].contains("run.yaml has changed since"))
      #expect(!document.page.contains("# Every key of the run"))
    }

    /// A second run that fails, or is still going on, is not what the page of the first tells of.
    @Test func aSecondRunThatFails() async throws {
      let workspace = try Workspace()
      _ = try await Self.run(["prune", "--output", "out", "--sparsity", "0.2"] + Self.oneShot, in: workspace)
      #expect(try !Self.page(workspace).contains("has not ended"))
      // Killed once the plan is another one.
      _ = try await Interruption.kill(
        ["prune", "--output", "out", "--sparsity", "0.4", "--overwrite"] + Self.options + [
          "--set", "tuning.steps=400",
        ],
        ranks: nil, after: "allocate", in: workspace.path)
      #expect(try Self.page(workspace).contains("`prune`, which began 20"))
      let again = try await Program.run(["report", "out.run"], in: workspace.path)
      #expect(again.code == 0 && again.ownLines.count >= 2, "\(again.errors)")
      #expect(again.errors.contains("has not ended; the same command goes on with it"))
      #expect(again.errors.contains("plan.json is not the plan that this page tells of"))
      let page = try Self.page(workspace)
      #expect(!page.contains("20.00 %") && page.contains("asked for 40.00 %"))
    }
  }
}
