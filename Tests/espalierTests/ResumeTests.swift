import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// A run that was killed goes on with the phases that were over, and ends with the files of one that was not.
  @Suite struct ResumeTests {
    /// Every phase that there is, each long enough to be killed in.
    static let whole =
      [
        "prune", "--output", "out", "--model", Fixtures.demoModel, "--calibration-text", Workspace.valid, "--sequences",
        "16", "--length", "64", "--evaluation-text", Workspace.valid, "--window", "128", "--limit", "60", "--threads",
        "1", "--set", "repacking.shard-size=30kB",
      ]
      + [
        "tuning.steps=12", "tuning.length=32", "tuning.batch=3", "tuning.validation=4", "tuning.save-every=1",
        "recovery.steps=12", "recovery.length=32", "recovery.batch=3", "recovery.validation=4", "recovery.save-every=1",
      ].flatMap { ["--set", $0] }

    /// Every file of output and run folder that a run leaves, but what tells of its time.
    static func files(_ folder: String) throws -> [String: [UInt8]] {
      var files: [String: [UInt8]] = [:]
      for place in ["out", "out.run"] {
        for case let name as String in FileManager.default.enumerator(atPath: "\(folder)/\(place)") ?? .init() {
          let path = "\(folder)/\(place)/\(name)"
          let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
          guard type != .typeDirectory else { continue }
          let isOfItsTime = ["report.json", "report.html", "metrics.jsonl", "trace.json"].contains(name)
          files["\(place)/\(name)"] = isOfItsTime ? [] : try TemporaryFolder.bytes(of: path)
        }
      }
      return files
    }

    static func expectSame(_ folder: String, as other: String) throws {
      let (own, wanted) = (try files(folder), try files(other))
      #expect(Set(own.keys) == Set(wanted.keys))
      for (name, bytes) in wanted { #expect(own[name] == bytes, "\(name)") }
    }

    static func report(_ folder: String) throws -> [String: Any] {
      try object(String(decoding: TemporaryFolder.bytes(of: folder + "/out.run/report.json"), as: UTF8.self))
    }

    /// Killed again and again, always a little later.
    @Test func killedInEveryPhase() async throws {
      let workspace = try Workspace()
      let (killed, undisturbed) = (try workspace.folder.makeFolder("a"), try workspace.folder.makeFolder("b"))
      let whole = try await Program.run(Self.whole, ranks: 2, in: undisturbed)
      try #require(whole.code == 0, "\(whole.errors)")
      let phases = ["evaluate dense", "score", "tune", "repack cut", "recover"]
      for (index, phase) in phases.enumerated() {
        let launched = try await Interruption.kill(Self.whole, ranks: 2, after: phase, in: killed)
        let continued = launched.ownLines.first { $0.hasPrefix("continues: ") }
        #expect((continued != nil) == (index > 0), "\(launched.errors)")
        if index > 0 {
          #expect(continued?.hasPrefix("continues: evaluate dense") == true)
          #expect(continued?.contains(phases[index - 1]) == true && continued?.hasSuffix(" done") == true)
        }
      }
      let last = try await Program.run(Self.whole, ranks: 2, in: killed)
      try #require(last.code == 0, "\(last.errors)")
      for phase in ["evaluate dense ", "score ", "allocate ", "tune ", "repack cut ", "recover "] {
        #expect(!last.ownLines.contains { $0.hasPrefix(phase) }, "\(phase) was run again: \(last.errors)")
      }
      try Self.expectSame(killed, as: undisturbed)

      // The report is whole.
      let (report, wanted) = (try Self.report(killed), try Self.report(undisturbed))
      #expect(report["resumed"] as? Int == phases.count && wanted["resumed"] == nil)
      for key in ["perplexity", "perplexities", "sparsity", "parameters", "bytes", "layers", "warnings", "output"] {
        #expect((report[key] as? NSObject) == (wanted[key] as? NSObject), "\(key)")
      }
      func names(_ report: [String: Any], _ key: String, _ name: String) -> [String] {
        (report[key] as? [[String: Any]] ?? []).compactMap { $0[name] as? String }
      }
      #expect(names(report, "training", "stage") == ["tune", "recover"])
      #expect(names(report, "phases", "name") == names(wanted, "phases", "name"))
      let metrics = try String(decoding: TemporaryFolder.bytes(of: killed + "/out.run/metrics.jsonl"), as: UTF8.self)
      #expect(metrics.split(separator: "\n").count == 24)
    }

    /// On another number of ranks, and in the middle of the weight files.
    @Test func killedWhileRepacking() async throws {
      let workspace = try Workspace()
      let start = try workspace.folder.makeFolder("start")
      let arguments = RankTests.arguments("out", ["--set", "repacking.shard-size=20kB"])
      let undisturbed = try workspace.folder.makeFolder("undisturbed")
      let whole = try await Program.run(arguments, ranks: 2, in: undisturbed)
      try #require(whole.code == 0, "\(whole.errors)")
      _ = try await Interruption.kill(
        arguments, ranks: 2, when: "out/.espalier-shards.json", holds: "model-00005", in: start)
      let left = try FileManager.default.contentsOfDirectory(atPath: start + "/out")
      #expect(left.contains(".espalier-unfinished") && !left.contains("config.json"))
      for ranks in [nil, 1, 2, 3] {
        let folder = workspace.folder.file("on-\(ranks ?? 0)")
        try FileManager.default.copyItem(atPath: start, toPath: folder)
        let launched = try await Program.run(arguments, ranks: ranks, in: folder)
        try #require(launched.code == 0, "\(launched.errors)")
        #expect(launched.ownLines.contains("continues: evaluate dense, score, allocate done"), "\(launched.errors)")
        #expect(launched.errors.contains(/\ncontinues: \d+ of \d+ weight files are there\n/), "\(launched.errors)")
        try Self.expectSame(folder, as: undisturbed)
      }
    }

    /// What is damaged is told of and computed again; what else is there is taken.
    @Test func damagedFiles() async throws {
      let workspace = try Workspace()
      let start = try workspace.folder.makeFolder("start")
      let undisturbed = try workspace.folder.makeFolder("undisturbed")
      let whole = try await Program.run(Self.whole, in: undisturbed)
      try #require(whole.code == 0, "\(whole.errors)")
      _ = try await Interruption.kill(Self.whole, ranks: nil, after: "repack cut", in: start)
      for (file, again, done) in [
        ("out.run/scores.safetensors", "score", "evaluate dense"),
        ("out.run/gates.safetensors", "tune", "evaluate dense, score, allocate, evaluate one-shot"),
        ("out.run/plan.json", "tune", "evaluate dense, score, allocate, evaluate one-shot"),
        ("out.run/pruned/config.json", "repack cut", "evaluate dense, score, allocate, evaluate one-shot, tune"),
        ("out.run/pruned/model-00003-of-", "repack cut", "evaluate dense, score, allocate, evaluate one-shot, tune"),
        ("out.run/state/run.json", "", ""),
      ] {
        let folder = workspace.folder.file("damaged")
        try FileManager.default.copyItem(atPath: start, toPath: folder)
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let name = try #require(names.first { $0.hasPrefix(file) })
        var bytes = try TemporaryFolder.bytes(of: "\(folder)/\(name)")
        bytes[bytes.count * 2 / 3] ^= 4
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
        let launched = try await Program.run(Self.whole, in: folder)
        try #require(launched.code == 0, "\(name): \(launched.errors)")
        if again.isEmpty {
          #expect(launched.ownLines.contains("\(name): damaged; prune starts anew"), "\(launched.errors)")
          #expect(!launched.errors.contains("continues: evaluate"))
        } else {
          #expect(
            launched.ownLines.contains("\(name): not as it was left; \(again) is run again"), "\(launched.errors)")
          #expect(launched.ownLines.contains("continues: \(done) done"), "\(launched.errors)")
        }
        try Self.expectSame(folder, as: undisturbed)
        try FileManager.default.removeItem(atPath: folder)
      }
    }

    /// Candidates that were scored are not scored again.
    @Test func killedWhileSelecting() async throws {
      let workspace = try Workspace()
      let arguments =
        ["select", "--output", "out"] + SelectTests.small + [
          "--set", "selection.seeds=4", "--sequences", "24", "--length", "64",
        ]
      let (killed, undisturbed) = (try workspace.folder.makeFolder("a"), try workspace.folder.makeFolder("b"))
      #expect(try await Program.run(arguments, ranks: 2, in: undisturbed).code == 0)
      _ = try await Interruption.kill(arguments, ranks: 2, after: "score 2/4", in: killed)
      let last = try await Program.run(arguments, ranks: 2, in: killed)
      try #require(last.code == 0, "\(last.errors)")
      #expect(last.ownLines.contains { $0.hasPrefix("continues: score 1/4, score 2/4") }, "\(last.errors)")
      #expect(!last.ownLines.contains { $0.hasPrefix("score 1/4 ") || $0.hasPrefix("score 2/4 ") }, "\(last.errors)")
      try Self.expectSame(killed, as: undisturbed)
    }
  }
}
