import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What a run breaks on before its work, the doctor tells of: with the run's exit code, and its words.
  @Suite struct DoctorPromiseTests {
    /// A run document with something wrong, which `prune` refuses.
    struct Promise: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let check: String
      let code: Int32
      let words: String
      let yaml: String
      var makes: @Sendable (Workspace) throws -> Void = { _ in }
    }

    private static let texts = "calibration: {text: \(Workspace.valid), sequences: 4, length: 32}\n"

    static let promises = [
      Promise(testDescription: "full output", check: "output", code: 73, words: "the folder is not empty", yaml: texts)
      {
        try $0.folder.makeFolder("out")
        try $0.folder.write("mine", to: "out/notes.txt")
      },
      Promise(
        testDescription: "run folder in the model", check: "run folder", code: 73, words: "lies inside the model",
        yaml: texts + "run-folder: model/run\n"
      ) { _ = try $0.linked("model") },
      Promise(
        testDescription: "sparsity out of reach", check: "sparsity", code: 64, words: "0.99 is out of reach",
        yaml: texts + "allocation: {sparsity: 0.99}\n"),
      Promise(
        testDescription: "native layout", check: "sparsity", code: 64, words: "native needs layers of one shape",
        yaml: texts + "repacking: {layout: native}\n"),
      Promise(
        testDescription: "memory limit", check: "memory limit", code: 71, words: "1MB per rank is too little",
        yaml: texts + "resources: {memory-limit: 1MB}\n"),
      Promise(
        testDescription: "too little text", check: "texts", code: 65, words: "0 sequences of 32, not 4",
        yaml: "calibration: {text: few.txt, sequences: 4, length: 32}\n"
      ) { try $0.folder.write("few", to: "few.txt") },
      Promise(
        testDescription: "no text", check: "texts", code: 64, words: "calibration.text: missing",
        yaml: "overwrite: true\n"),
      Promise(
        testDescription: "no evaluation text", check: "model", code: 66, words: "none.txt",
        yaml: texts + "evaluation: {text: none.txt}\n"),
      Promise(
        testDescription: "threads", check: "threads", code: 64, words: "1000000 threads",
        yaml: texts + "resources: {threads: 1000000}\n"),
      Promise(
        testDescription: "rank of recovery", check: "texts", code: 64, words: "recovery.rank: 129",
        yaml: texts + "recovery: {steps: 2, rank: 129}\n"),
    ]

    @Test(arguments: promises) func asTheRun(promise: Promise) async throws {
      let workspace = try Workspace()
      try promise.makes(workspace)
      let model = workspace.everything.contains("model") ? "model" : Fixtures.demoModel
      try workspace.folder.write("model: \(model)\noutput: out\n" + promise.yaml, to: "run.yaml")
      let before = workspace.everything
      let doctor = try await Program.run(["doctor", "run.yaml"], in: workspace.path)
      #expect(doctor.code == promise.code, "\(doctor.output)\(doctor.errors)")
      let row = try Regex("failure  \(promise.check) +[^\n]*").dotMatchesNewlines(false)
      let line = try #require(doctor.output.firstMatch(of: row), "\(doctor.output)")
      #expect(doctor.output[line.range].contains(promise.words), "\(doctor.output)")
      #expect(workspace.everything == before)
      let run = try await Program.run(["prune", "run.yaml", "--quiet"], in: workspace.path)
      #expect(run.code == promise.code && run.errors.contains(promise.words), "\(run.errors)")
    }

    /// On ranks, told once.
    @Test func fullOutputOnRanks() async throws {
      let workspace = try Workspace()
      try workspace.folder.makeFolder("out")
      try workspace.folder.write("mine", to: "out/notes.txt")
      try workspace.folder.write("model: \(Fixtures.demoModel)\noutput: out\n" + Self.texts, to: "run.yaml")
      let doctor = try await Program.run(["doctor", "run.yaml"], ranks: 2, in: workspace.path)
      #expect(doctor.code == 73, "\(doctor.errors)")
      let lines = doctor.ownLines.filter { !$0.hasPrefix("doctor: ") }
      #expect(lines == ["espalier: error: output: a run would fail here; the table says what to do"])
    }

    /// With leave to replace it, it is told what will be.
    @Test func overwrite() async throws {
      let workspace = try Workspace()
      try workspace.folder.makeFolder("out")
      try workspace.folder.write("mine", to: "out/notes.txt")
      try workspace.folder.write(
        "model: \(Fixtures.demoModel)\noutput: out\noverwrite: true\n" + Self.texts, to: "run.yaml")
      let doctor = try await Program.run(["doctor", "run.yaml"], in: workspace.path)
      #expect(doctor.code == 0, "\(doctor.errors)")
      #expect(doctor.output.contains("1 file there, replaced by the run's"), "\(doctor.output)")
      #expect(workspace.everything == ["run.yaml", "out", "out/notes.txt"])
    }

    /// What an unfinished run left: gone on from by its own document, in the way of another.
    @Test func unfinishedRun() async throws {
      let workspace = try Workspace()
      _ = try await Interruption.kill(
        Workspace.smallRun + ["--evaluation-text", Workspace.valid, "--window", "128", "--limit", "60", "--quiet"],
        ranks: nil, after: "evaluate dense", in: workspace.path)
      let document = "model: \(Fixtures.demoModel)\noutput: out\n" + Self.texts
      try workspace.folder.write(document, to: "run.yaml")
      let doctor = try await Program.run(["doctor", "run.yaml"], in: workspace.path)
      #expect(doctor.code == 73, "\(doctor.output)")
      #expect(doctor.output.contains("there is an unfinished run of `prune` here"), "\(doctor.output)")
      let run = try await Program.run(["prune", "run.yaml"], in: workspace.path)
      #expect(run.code == 73 && run.errors.contains("there is an unfinished run of `prune` here"), "\(run.errors)")
      #expect(workspace.everything.contains("out.run/state/run.json"))
    }
  }
}
