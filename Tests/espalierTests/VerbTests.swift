import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Each verb alone does its part of `prune`, and speaks where it should.
  @Suite struct VerbTests {
    static let options = [
      "--model", Fixtures.demoModel, "--calibration-text", Workspace.valid, "--sequences", "4", "--length", "32",
      "--evaluation-text", Fixtures.repository + "/demo/train.txt", "--window", "64", "--limit", "6", "--threads", "1",
    ]

    @Test(arguments: [nil, 2]) func stagesGiveWhatPruneGives(ranks: Int?) async throws {
      let workspace = try Workspace()
      func run(_ arguments: [String]) async throws -> [String: Any] {
        let launched = try await Program.run(arguments + ["--json", "--quiet"], ranks: ranks, in: workspace.path)
        #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(arguments[0]): \(launched.errors)")
        return try object(launched.output)
      }
      func perplexity(_ report: [String: Any], _ key: String) throws -> Double {
        try #require((report["perplexity"] as? [String: Any])?[key] as? Double)
      }
      let whole = try await run(["prune", "--output", "whole"] + Self.options)
      for verb in ["score", "allocate", "repack"] { _ = try await run([verb, "--output", "parts"] + Self.options) }
      #expect(try workspace.files(of: "parts") == workspace.files(of: "whole"))
      #expect(
        try workspace.folder.read("parts.run/scores.safetensors")
          == workspace.folder.read("whole.run/scores.safetensors"))

      // The pruned folder measured by itself, and the model under the plan's mask, are what `prune` reported.
      let pruned = try await run(
        ["evaluate"] + Self.options.map { $0 == Fixtures.demoModel ? workspace.folder.file("parts") : $0 })
      let masked = try await run(["evaluate", "--plan", "parts.run/plan.json"] + Self.options)
      let (before, after) = (try perplexity(whole, "before"), try perplexity(whole, "after"))
      #expect(before < after)
      #expect(abs(try perplexity(pruned, "before") / after - 1) < 1e-6)
      #expect(abs(try perplexity(masked, "before") / before - 1) < 1e-6)
      #expect(abs(try perplexity(masked, "after") / after - 1) < 1e-4)
      #expect(Set(workspace.folder.names) == ["parts", "parts.run", "whole", "whole.run"])

      // Scores and plan by name, from elsewhere.
      _ = try await run(
        ["allocate", "--output", "other", "--scores", "whole.run/scores.safetensors"] + Self.options)
      _ = try await run(["repack", "--output", "other", "--plan", "whole.run/plan.json"] + Self.options)
      #expect(try workspace.files(of: "other") == workspace.files(of: "whole"))
    }

    @Test func runFolder() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["prune", "--output", "deep/out"] + Self.options, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let names = ["run.yaml", "plan.json", "report.json", "report.html", "scores.safetensors", "trace.json"]
      #expect(
        Set(workspace.everything.filter { $0.hasPrefix("deep/out.run/") }) == Set(names.map { "deep/out.run/\($0)" }))
      // The resolved document makes the same run again.
      let again = try await Program.run(
        ["prune", "deep/out.run/run.yaml", "--output", "again", "--run-folder", "again.run"], in: workspace.path)
      #expect(again.code == 0, "\(again.errors)")
      #expect(try workspace.folder.read("again.run/plan.json") == workspace.folder.read("deep/out.run/plan.json"))
      #expect(
        try workspace.folder.read("again/model.safetensors") == workspace.folder.read("deep/out/model.safetensors"))
    }

    /// Results on standard output, progress on standard error, and silence when asked.
    @Test(arguments: [nil, 2]) func streams(ranks: Int?) async throws {
      let workspace = try Workspace()
      func run(_ output: String, _ flags: [String]) async throws -> Launched {
        let launched = try await Program.run(
          ["prune", "--output", output] + Self.options + flags, ranks: ranks, in: workspace.path)
        #expect(launched.code == 0, "\(launched.errors)")
        return launched
      }
      let table = try await run("table", [])
      let phases = ["evaluate dense", "score", "allocate", "repack", "evaluate one-shot"]
      var lines = ["espalier "] + phases.flatMap { ["\($0) ", "\($0) "] }
      lines.insert("objective max-logit: ", at: 5)
      #expect(table.ownLines.count == lines.count, "\(table.errors)")
      for (line, start) in zip(table.ownLines, lines) {
        #expect(line.hasPrefix(start) && !line.hasSuffix(" "), "\(line)")
      }
      for phase in phases {
        let own = table.ownLines.filter { $0.hasPrefix("\(phase) ") }
        #expect(own.count == 2 && own.first?.hasSuffix("  begins") == true, "\(own)")
        #expect(
          !phase.hasPrefix("evaluate") || own.last?.contains(/done in \d+\.\d s  [\d,.]+ tokens\/s$/) == true, "\(own)")
      }
      for row in ["parameters ", "sparsity ", "perplexity ", "phase ", "total ", "peak memory ", "output "] {
        #expect(table.output.contains("\n\(row)"), "\(row)")
      }
      #expect(table.output.split(separator: "\n").allSatisfy { $0.count <= 80 })

      let quiet = try await run("quiet", ["--quiet"])
      #expect(quiet.errors.isEmpty && quiet.output.contains("perplexity"))

      let json = try await run("json", ["--json"])
      #expect(json.ownLines.count == lines.count)
      let report = try object(json.output)
      let written = try object(String(decoding: try workspace.folder.read("json.run/report.json"), as: UTF8.self))
      #expect(NSDictionary(dictionary: report) == NSDictionary(dictionary: written))
    }

    /// On a terminal a phase has one line that is written again and again.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1)"))
    func terminal() async throws {
      let workspace = try Workspace()
      let launched = try await Program.shell(
        "script -qec \"$ESPALIER evaluate --model \(Fixtures.demoModel) --evaluation-text \(Workspace.valid) --window 128\" /dev/null",
        in: workspace.path)
      #expect(launched.code == 0)
      #expect(launched.output.contains(/\revaluate {13}\d+ %  [\d,.]+ tokens\/s  \d.*left\u{1B}\[K/))
      #expect(launched.output.contains(#/\revaluate {13}done in /#))
    }
  }
}
