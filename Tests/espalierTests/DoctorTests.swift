import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `doctor`, started as a run is.
  @Suite struct DoctorTests {
    @Test(arguments: [nil, 2]) func table(ranks: Int?) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["doctor", Fixtures.repository + "/demo/run.yaml", "--model", Fixtures.demoModel], ranks: ranks,
        in: Fixtures.repository)
      // A step that takes long on a busy machine is told of.
      let lines = launched.ownLines.filter { !$0.hasPrefix("doctor: ") }
      #expect(launched.code == 0 && lines.isEmpty, "\(launched.errors)")
      let rows = launched.output.split(separator: "\n")
      #expect(rows.first?.hasPrefix("host  ") == true)
      for check in ["ranks", "versions", "model", "output", "run folder", "binding", "speed", "OpenBLAS", "memory"] {
        #expect(rows.contains { $0.contains("  \(check)  ") }, "\(check): \(launched.output)")
      }
      let promise = ranks == nil ? "1 rank on 1 host, started without a launcher" : "as OMPI_COMM_WORLD_SIZE promised"
      #expect(launched.output.contains(promise))
      // Model, tokenizer, configuration, and the two texts of the document.
      #expect(launched.output.contains("5 files, "))
      #expect(workspace.everything.isEmpty)
    }

    /// Whatever a stage reads is looked at on every rank.
    @Test func everyText() async throws {
      let workspace = try Workspace()
      let keys = [
        "calibration": ["text"], "selection": ["texts", "held-out"], "evaluation": ["text"], "generation": ["text"],
        "tuning": ["text"], "recovery": ["text"],
      ]
      var document = "model: \(Fixtures.demoModel)\n"
      for (section, names) in keys {
        document += "\(section):\n"
        for name in names {
          let text = String(repeating: "Text of \(section) \(name), once more. ", count: 4000)
          try workspace.folder.write(text, to: "\(section)-\(name).txt")
          document += "  \(name): \(section)-\(name).txt\n"
        }
      }
      try workspace.folder.write(document, to: "run.yaml")
      let launched = try await Program.run(["doctor", "run.yaml"], in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      #expect(launched.output.contains("10 files, "), "\(launched.output)")
    }

    /// Without a model no file is looked at, and nothing is left behind.
    @Test func withoutModel() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["doctor", "--json"], ranks: 2, in: workspace.path)
      #expect(launched.code == 0, "\(launched.errors)")
      let facts = try object(launched.output)
      let checks = try #require(facts["checks"] as? [[String: Any]])
      let names = checks.compactMap { $0["name"] as? String }
      #expect(names.contains("current folder") && !names.contains("model") && !names.contains("output"))
      #expect(checks.allSatisfy { ($0["state"] as? String == "ok") == ($0["advice"] == nil) })
      let ranks = try #require(facts["ranks"] as? [[String: Any]])
      #expect(ranks.count == 2 && ranks.allSatisfy { ($0["message_library"] as? String)?.contains("Open MPI") == true })
      #expect(workspace.everything.isEmpty)
    }

    /// A launch whose ranks do not see each other, as every process sees it.
    @Test func singletons() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["doctor"], in: workspace.path, environment: ["PMI_SIZE": "3", "PMI_RANK": "0"])
      #expect(launched.code == 69 && launched.output.isEmpty)
      #expect(launched.errors.contains("launched as 3 processes by PMI but MPI sees 1"))
    }

    /// In a batch script, without a launcher.
    @Test func batchScript() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["doctor"], in: workspace.path, environment: ["SLURM_NTASKS": "3"])
      #expect(launched.code == 69)
      #expect(launched.output.contains("failure  ranks ") && launched.output.contains("SLURM_NTASKS promises 3 ranks"))
      #expect(launched.errors == "espalier: error: ranks: a run would fail here; the table says what to do\n")
    }

    /// A damaged model on one host: the table is whole, and the exit code is the one of a run.
    @Test func damagedModel() async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(3)) }
      let launched = try await Program.run(
        parts: [(1, ["doctor", "--model", model]), (1, ["doctor", "--model", model])], in: workspace.path)
      #expect(launched.code == 65, "\(launched.errors)")
      #expect(launched.output.contains("failure  model ") && launched.output.contains("1 failure"))
      #expect(launched.ownLines == ["espalier: error: model: a run would fail here; the table says what to do"])
    }

    @Test(arguments: WrongInput.doctor, [nil, 2]) func wrong(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }
  }
}

extension WrongInput {
  static let doctor: [WrongInput] = [
    WrongInput("no such document", 66, ["none.yaml", "no such file"], arguments: ["doctor", "none.yaml"]),
    WrongInput("no time", 64, ["--timeout 0", "from 1"], arguments: ["doctor", "--timeout", "0"]),
  ]
}
