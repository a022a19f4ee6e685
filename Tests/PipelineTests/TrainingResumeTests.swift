import Artifacts
import Pipeline
import TestSupport
import Testing

/// Tuning and recovery that are stopped go on from the step that they came to.
@Suite struct TrainingResumeTests {
  static let steps = 4

  static func tuning(_ changes: [String: String] = [:]) -> StoppableRun {
    let settings = [
      "model": Fixtures.demoModel, "scoring.criterion": "random",
      "tuning.text": Fixtures.repository + "/demo/valid.txt",
      "tuning.steps": "\(steps)", "tuning.length": "16", "tuning.sequences": "24", "tuning.batch": "3",
      "tuning.validation": "2", "tuning.save-every": "0", "tuning.stages": "2", "exchange.codec": "exact",
    ]
    return StoppableRun(settings: settings.merging(changes) { $1 }, needs: .tuning) { run, isFirst in
      if isFirst { _ = try run.scoreOnly() }
      _ = try run.tuneOnly(scores: nil, gradients: nil)
    }
  }

  static func gates(_ folder: TemporaryFolder) throws -> (logits: [Float], factors: [Float]) {
    let gates = try GateValues(contentsOfFile: folder.file("gates.safetensors"))
    return (
      gates.layers.flatMap { $0.attention.logits + $0.mlp.logits },
      gates.layers.flatMap { $0.attention.factors + $0.mlp.factors }
    )
  }

  /// Stops a run after every step and hands over what it left; says which steps these were.
  static func stops(
    _ run: StoppableRun, stage: String, ranks: Int, _ body: (_ left: TemporaryFolder, _ step: Int) throws -> Void
  ) throws -> Set<Int> {
    var steps: Set<Int> = []
    for stop in 0... {
      let folder = try TemporaryFolder()
      guard let saved = try run.run(in: folder, ranks: ranks, stopAt: stop) else { break }
      guard saved.hasPrefix("\(stage) after step "), let step = saved.split(separator: " ").last.flatMap({ Int($0) })
      else { continue }
      if steps.insert(step).inserted { try body(folder, step) }
    }
    return steps
  }

  /// On as many ranks gates and plan end as the same bytes, also with a lossy exchange.
  @Test(arguments: [1, 2], ["exact", "int8"]) func sameBytes(ranks: Int, codec: String) throws {
    let run = Self.tuning(["exchange.codec": codec])
    let whole = try TemporaryFolder()
    #expect(try run.run(in: whole, ranks: ranks) == nil)
    let steps = try Self.stops(run, stage: "tune", ranks: ranks) { (folder, step) throws in
      #expect(try run.run(in: folder, ranks: ranks) == nil)
      for file in ["gates.safetensors", "plan.json"] { #expect(try folder.read(file) == whole.read(file), "\(step)") }
      #expect(folder.states.isEmpty)
    }
    #expect(steps == Set(1..<Self.steps))
  }

  /// On another number of ranks they end as nearly the same; what a lossy exchange owed is left behind.
  @Test(arguments: [(1, 2), (2, 3), (3, 1)], ["exact", "int8"])
  func otherRanks(ranks: (from: Int, to: Int), codec: String) throws {
    let run = Self.tuning(["exchange.codec": codec])
    let whole = try TemporaryFolder()
    _ = try run.run(in: whole, ranks: ranks.to)
    let wanted = try Self.gates(whole)
    let steps = try Self.stops(run, stage: "tune", ranks: ranks.from) { (folder, step) throws in
      let ownStates = folder.states.filter { $0.contains("rank-") }.count
      #expect(ownStates == (codec == "int8" && ranks.from > 1 ? ranks.from : 0))
      #expect(try run.run(in: folder, ranks: ranks.to) == nil)
      let found = try Self.gates(folder)
      guard codec == "exact" else { return }
      #expect(largestDifference(found.logits, wanted.logits) < 1e-4, "step \(step)")
      #expect(largestDifference(found.factors, wanted.factors) < 1e-4, "step \(step)")
      #expect(try folder.read("plan.json") == whole.read("plan.json"))
    }
    #expect(steps == Set(1..<Self.steps))
  }
}
