internal import Tensors
import Artifacts
import Pipeline
import Safetensors
import TestSupport
import Testing

/// The model's own text over ranks and rounds, stopped and gone on with.
@Suite struct GenerationResumeTests {
  static func generation(_ changes: [String: String] = [:]) -> StoppableRun {
    let settings = [
      "model": Fixtures.demoModel, "generation.text": Fixtures.repository + "/demo/valid.txt",
      "generation.sequences": "9", "generation.length": "96", "generation.prompt": "6",
    ]
    return StoppableRun(settings: settings.merging(changes) { $1 }, needs: .generation) { run, _ in
      _ = try run.generateOnly()
    }
  }

  /// Two sequences or so at a time: the least limit, whole megabytes, under which one can be written.
  static func limited() throws -> StoppableRun {
    do {
      _ = try generation(["resources.memory-limit": "1MB"]).run(in: TemporaryFolder(), ranks: 1)
    } catch {
      let needed = try #require("\(error)".firstMatch(of: /about (\d+MB) is needed/)).output.1
      return generation(["resources.memory-limit": String(needed)])
    }
    Issue.record("1 MB was enough")
    return generation()
  }

  static func text(_ folder: TemporaryFolder) throws -> [Int64] {
    try SafetensorsFile(path: folder.file("generated.safetensors")).tensor("input_ids").integers().map { Int64($0) }
  }

  /// Rounds and ranks, without a sequence for some of them, change nothing of the text.
  @Test func ranksAndRounds() throws {
    let whole = try TemporaryFolder()
    #expect(try Self.generation().run(in: whole, ranks: 1) == nil)
    let text = try Self.text(whole)
    #expect(text.count == 9 * 96 && text.allSatisfy { (0..<1024).contains($0) } && Set(text).count > 50)
    let limited = try Self.limited()
    for ranks in [1, 2, 4, 10] {
      for (run, name) in [(Self.generation(), "all at a time"), (limited, "in rounds")] {
        let folder = try TemporaryFolder()
        #expect(try run.run(in: folder, ranks: ranks) == nil)
        #expect(try Self.text(folder) == text, "\(ranks) ranks, \(name)")
        #expect(!folder.names.contains("state"))
      }
    }
    let other = try TemporaryFolder()
    _ = try Self.generation(["generation.seed": "1"]).run(in: other, ranks: 1)
    #expect(try Self.text(other) != text)
  }

  /// A signal ends a round at the next position; whole rounds stay, and any number of ranks goes on from them.
  @Test(arguments: [(1, 1), (1, 2), (2, 3)]) func stopsAndGoesOn(ranks: (from: Int, to: Int)) throws {
    let run = try Self.limited()
    let whole = try TemporaryFolder()
    _ = try run.run(in: whole, ranks: ranks.to)
    var kept: Set<Int> = []
    for stop in stride(from: 3, to: 2000, by: 70) {
      let folder = try TemporaryFolder()
      guard let saved = try run.run(in: folder, ranks: ranks.from, stopAt: stop) else { break }
      #expect(!folder.names.contains("generated.safetensors"))
      if let match = saved.wholeMatch(of: /generate after (\d) of 9 sequences/), let count = Int(match.output.1) {
        #expect(folder.states.contains("generated-\(count).safetensors"))
        kept.insert(count)
      } else {
        #expect(saved == "nothing of generate yet" || saved == "everything before generate")
        #expect(folder.states.isEmpty)
      }
      #expect(try run.run(in: folder, ranks: ranks.to) == nil)
      #expect(try folder.read("generated.safetensors") == whole.read("generated.safetensors"), "\(saved)")
      #expect(!folder.names.contains("state"))
    }
    #expect(!kept.isEmpty)
  }
}
