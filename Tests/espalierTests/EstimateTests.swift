import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite struct EstimateTests {
    static let shape = "Tests/Fixtures/shapes/llama-3.1-70b"
    static let machines = ["--nodes", "4", "--ranks-per-node", "1", "--cores", "8", "--gflops", "50"]

    /// docs/estimate.md shows commands with what they print; every line of it.
    @Test func documentationIsWhatTheProgramPrints() async throws {
      let text = String(
        decoding: try TemporaryFolder.bytes(of: Fixtures.repository + "/docs/estimate.md"), as: UTF8.self)
      let blocks = text.components(separatedBy: "```text\n$ espalier ").dropFirst()
      #expect(blocks.count >= 3)
      for block in blocks {
        let shown = try #require(block.components(separatedBy: "\n```").first)
        let command = try #require(shown.components(separatedBy: "\n\n").first)
        let words = command.replacingOccurrences(of: "\\\n", with: " ").split(whereSeparator: \.isWhitespace)
        let launched = try await Program.run(words.map(String.init), in: Fixtures.repository)
        #expect(launched.code == 0 && launched.errors.isEmpty, "\(launched.errors)")
        #expect(shown == command + "\n\n" + launched.output.trimmingCharacters(in: .newlines), "\(command)")
      }
    }

    /// A row of the table of totals: nodes, and the time with each way to broadcast.
    @Test func tableOfTotals() async throws {
      let text = String(
        decoding: try TemporaryFolder.bytes(of: Fixtures.repository + "/docs/estimate.md"), as: UTF8.self)
      let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }
        .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        .filter { Int($0[0]) != nil && $0.count == 5 && $0[1].hasSuffix("min") }
      #expect(rows.map { $0[0] } == ["8", "32", "128"])
      for row in rows {
        for (column, more) in [
          (1, ["--collectives", "open-mpi"]), (2, ["--collectives", "pipelined"]),
          (3, ["--collectives", "open-mpi", "--set", "resources.compute=bf16"]),
          (4, ["--collectives", "pipelined", "--set", "resources.compute=bf16"]),
        ] {
          let arguments = [
            "estimate", "--model", Self.shape, "--nodes", row[0], "--cores", "64", "--gflops", "50", "--link", "25",
            "--disk", "2000", "--sequences", "128", "--length", "2048", "--evaluation-text", "wikitext-2.txt",
            "--window", "2048", "--limit", "128",
          ]
          let launched = try await Program.run(arguments + more, in: Fixtures.repository)
          let total = launched.output.split(separator: "\n").first { $0.hasPrefix("total ") }
          #expect(total?.contains(row[column] + " ") == true, "\(row) \(more): \(launched.output)\(launched.errors)")
        }
      }
    }

    /// A folder with a config.json and nothing else, or the file; the speed is measured when it is not given.
    @Test func needsNoWeights() async throws {
      let workspace = try Workspace()
      let bytes = try TemporaryFolder.bytes(of: Fixtures.demoModel + "/config.json")
      _ = try workspace.folder.makeFolder("bare")
      try workspace.folder.write(bytes, to: "bare/config.json")
      let given = ["estimate", "--model", "bare", "--json"] + Self.machines
      let launched = try await Program.run(given, in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      let estimate = try object(launched.output)
      #expect(estimate["parameters"] as? Int == 1_312_384 && estimate["bytes"] as? Int == 2_624_768)
      #expect((estimate["phases"] as? [[String: Any]])?.map { $0["name"] as? String } == ["load", "score", "repack"])
      #expect((estimate["machines"] as? [String: Any])?["rank_flops"] as? Double == 8 * 50e9)
      #expect(estimate["fits"] is NSNull && (estimate["warnings"] as? [String]) == [])
      let file = try await Program.run(
        given.map { $0 == "bare" ? "bare/config.json" : $0 }, ranks: 2, in: workspace.path)
      #expect(
        file.code == 0 && file.output.replacingOccurrences(of: "bare/config.json", with: "bare") == launched.output)
      let measured = try await Program.run(["estimate", "--model", "bare", "--threads", "1"], in: workspace.path)
      #expect(measured.code == 0 && measured.output.contains("(measured here)"), "\(measured.errors)")
      #expect(workspace.everything == ["bare", "bare/config.json"])
    }

    /// What does not fit is told, and is no error; a text that is not there is told too.
    @Test func warnings() async throws {
      let workspace = try Workspace()
      let model = Fixtures.repository + Self.shape
      let launched = try await Program.run(
        ["estimate", "--model", model, "--memory", "4GiB", "--evaluation-text", "far.txt"] + Self.machines,
        in: workspace.path)
      #expect(launched.code == 0)
      #expect(launched.output.contains("warning: does not fit: the ranks of a node need "))
      #expect(launched.output.contains("warning: evaluation.text: far.txt is not here"))
      let json = try await Program.run(
        ["estimate", "--model", model, "--memory", "4GiB", "--json"] + Self.machines, in: workspace.path)
      #expect(try object(json.output)["fits"] as? Bool == false)
    }

    @Test(arguments: [
      (["--nodes", "0"], 64, "--nodes 0: a number from 1 to 100000 is needed"),
      (["--link", "0"], 64, "--link 0.0: a number above 0"),
      (["--gflops", "nan"], 64, "--gflops nan: a number above 0"),
      (["--memory", "much"], 64, "--memory much: a size such as 512GiB"),
      (["--collectives", "fast"], 64, "--collectives fast: one of open-mpi, pipelined"),
      (["--model", "nowhere"], 66, "nowhere is missing"), (["--sparsity", "2"], 64, "allocation.sparsity"),
    ])
    func wrongInput(arguments: [String], code: Int32, message: String) async throws {
      let workspace = try Workspace()
      let model = arguments.contains("--model") ? [] : ["--model", Fixtures.demoModel]
      let launched = try await Program.run(["estimate"] + model + arguments, in: workspace.path)
      #expect(launched.code == code && launched.errors.contains(message), "\(launched.errors)")
      #expect(launched.output.isEmpty && launched.ownLines.count == 1)
    }
  }
}
