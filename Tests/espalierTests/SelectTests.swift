import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The calibration set whose plan stays closest to the dense model, as a verb and as a stage of `prune`.
  @Suite struct SelectTests {
    static let small = [
      "--model", Fixtures.demoModel, "--calibration-text", Workspace.valid, "--sequences", "2", "--length", "16",
      "--sparsity", "0.4", "--threads", "1", "--set", "selection.sequences=20", "--set", "selection.length=32",
    ]

    /// Three seeds of one text on two ranks: the smallest divergence is chosen, and what is left behind is what scoring
    /// with that seed leaves.
    @Test(arguments: [nil, 2]) func seeds(ranks: Int?) async throws {
      let workspace = try Workspace()
      let options = Self.small + ["--seed", "7", "--set", "selection.seeds=3"]
      let launched = try await Program.run(
        ["select", "--output", "chosen", "--json"] + options, ranks: ranks, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let titles = ["score 1/3 ", "score 2/3 ", "score 3/3 ", "select "]
      let begins = ["espalier "] + titles.flatMap { [$0, $0] } + ["chosen: seed "]
      #expect(launched.ownLines.count == begins.count, "\(launched.errors)")
      #expect(zip(launched.ownLines, begins).allSatisfy { $0.hasPrefix($1) }, "\(launched.errors)")
      let report = try object(launched.output)
      let candidates = try #require(report["selection"] as? [[String: Any]])
      #expect(candidates.compactMap { $0["seed"] as? Int } == [7, 8, 9])
      #expect(candidates.allSatisfy { $0["text"] as? String == Workspace.valid })
      let divergences = try candidates.map { try #require($0["divergence"] as? Double) }
      #expect(Set(divergences).count == 3 && divergences.allSatisfy { $0 > 0 })
      let chosen = try #require(candidates.first { $0["is_chosen"] as? Bool == true })
      #expect(chosen["divergence"] as? Double == divergences.min())
      #expect(candidates.count { $0["is_chosen"] as? Bool == true } == 1)
      let phases = try #require(report["phases"] as? [[String: Any]])
      #expect(phases.compactMap { $0["name"] as? String } == ["score", "select"])

      let seed = try #require(chosen["seed"] as? Int)
      for verb in ["score", "allocate"] {
        let alone = try await Program.run(
          [verb, "--output", "alone", "--quiet"] + Self.small + ["--seed", "\(seed)"], ranks: ranks, in: workspace.path)
        #expect(alone.code == 0, "\(alone.errors)")
      }
      #expect(try workspace.scores(of: "chosen") == workspace.scores(of: "alone"))
      for file in ["scores.safetensors", "plan.json"] {
        #expect(
          try workspace.folder.read("chosen.run/\(file)") == workspace.folder.read("alone.run/\(file)"), "\(file)")
      }
    }

    /// `prune` goes on with the choice, and says so in the table and in report.json; another number of ranks chooses alike.
    @Test func prune() async throws {
      let workspace = try Workspace()
      _ = try workspace.inputIDs("ids.safetensors", sequences: 2, tokens: 16, below: 1024)
      let options =
        Self.small + [
          "--set", "selection.seeds=2", "--set", "selection.texts=ids.safetensors", "--set",
          "selection.held-out=\(Fixtures.repository)/demo/train.txt",
        ]
      let alone = try await Program.run(["prune", "--output", "alone"] + options, in: workspace.path)
      try #require(alone.code == 0, "\(alone.errors)")
      let three = try await Program.run(["prune", "--output", "three"] + options, ranks: 3, in: workspace.path)
      #expect(three.code == 0, "\(three.errors)")
      #expect(try workspace.files(of: "alone") == workspace.files(of: "three"))
      func candidates(_ output: String) throws -> [[String: Any]] {
        let report = try object(String(decoding: try workspace.folder.read("\(output).run/report.json"), as: UTF8.self))
        return try #require(report["selection"] as? [[String: Any]])
      }
      let (one, other) = (try candidates("alone"), try candidates("three"))
      #expect(one.compactMap { $0["name"] as? String } == ["valid.txt", "valid.txt", "ids.safetensors"])
      for (a, b) in zip(one, other) {
        let (x, y) = (try #require(a["divergence"] as? Double), try #require(b["divergence"] as? Double))
        #expect(abs(x / y - 1) < 1e-5)
        #expect(a["is_chosen"] as? Bool == b["is_chosen"] as? Bool)
      }
      // Random tokens are no text: what they score keeps less of the model.
      #expect(one[2]["is_chosen"] as? Bool == false)
      #expect(alone.output.contains(/\ncandidate +divergence +seed\n/))
      #expect(alone.output.contains(/\nvalid.txt +\d\.\d{4} +chosen +\d\n/))
      let page = String(decoding: try workspace.folder.read("alone.run/report.html"), as: UTF8.self)
      #expect(page.contains("ids.safetensors") && page.contains("chosen"))
    }

    /// With one candidate there is nothing to choose: `select` scores and allocates, and says so.
    @Test func one() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["select", "--output", "out"] + Self.small, in: workspace.path)
      #expect(launched.code == 0 && !launched.output.contains("candidate "), "\(launched.errors)")
      #expect(launched.output.contains("warning: there is one candidate"))
      #expect(
        Set(workspace.everything) == [
          "out.run", "out.run/run.yaml", "out.run/scores.safetensors", "out.run/plan.json", "out.run/trace.json",
          "out.run/report.json", "out.run/report.html",
        ])
    }

    @Test(arguments: ["magnitude", "random"]) func criterionWithoutText(criterion: String) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["select", "--output", "out", "--criterion", criterion, "--set", "selection.seeds=3"] + Self.small,
        in: workspace.path)
      #expect(launched.code == 0 && !launched.output.contains("candidate "), "\(launched.errors)")
      #expect(launched.errors.contains("warning: the criterion \(criterion) needs no calibration text"))
    }

    @Test(arguments: wrong, [nil, 2]) func wrongInput(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    static let wrong: [WrongInput] = ["select", "prune"].flatMap { verb -> [WrongInput] in
      func wrong(_ name: String, _ code: Int32, _ parts: [String], _ assignments: [String]) -> WrongInput {
        WrongInput(
          "\(verb): \(name)", code, parts,
          arguments: [verb, "--output", "out"] + small + assignments.flatMap { ["--set", $0] })
      }
      return [
        wrong("no such text", 66, ["none.txt", "No such file"], ["selection.texts=none.txt"]),
        wrong(
          "no such held-out text", 66, ["none.txt", "No such file"],
          ["selection.seeds=2", "selection.held-out=none.txt"]),
        wrong(
          "too little text", 65, ["valid.txt", "of 32 to hold out, not 9999", "selection.held-out"],
          ["selection.seeds=2", "selection.sequences=9999"]),
        wrong("too many candidates", 64, ["selection.seeds: 999", "at most 256"], ["selection.seeds=999"]),
        wrong(
          "sequences that no machine has", 64, ["too many"], ["selection.seeds=2", "selection.sequences=2147483647"]),
      ]
    }
  }
}
