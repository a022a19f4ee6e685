internal import Checkpoints
import Artifacts
import Foundation
import ModelTestSupport
import Pipeline
import TestSupport
import Testing

/// Scoring that is stopped goes on from the layer that it came to.
@Suite struct ScoringResumeTests {
  let checkpoint: RandomCheckpoint
  let texts: TemporaryFolder
  static let layers = 4
  /// What is said of stops before anything was saved.
  static let nothing: Set = ["everything before score", "nothing of score yet"]

  init() throws {
    checkpoint = try RandomCheckpoint(["num_hidden_layers": .integer(Int64(Self.layers))])
    texts = try TemporaryFolder()
    for (name, seed) in [("rows", 8), ("others", 9)] as [(String, UInt64)] {
      // Five sequences: uneven on any number of ranks.
      let rows = randomSequences(lengths: Array(repeating: 12, count: 5), vocabularySize: 64, seed: seed)
      try texts.write(SafetensorsBytes.inputIDs(rows), to: "\(name).safetensors")
    }
  }

  func scoring(_ changes: [String: String] = [:]) -> StoppableRun {
    let settings = [
      "model": checkpoint.path, "calibration.text": texts.file("rows.safetensors"), "calibration.sequences": "5",
      "calibration.length": "12", "resources.microbatch": "24",
    ]
    return StoppableRun(settings: settings.merging(changes) { $1 }, needs: .calibration) { run, _ in
      _ = try run.scoreOnly()
    }
  }

  func scores(_ folder: TemporaryFolder) throws -> [ScoreTable.Layer] {
    try ScoreTable(contentsOfFile: folder.file("scores.safetensors")).layers
  }

  /// Stops a run at every point where it can be, and hands over what it left and what it said of it.
  func stops(_ run: StoppableRun, ranks: Int, _ body: (_ left: TemporaryFolder, _ saved: String) throws -> Void) throws
  {
    for stop in 0... {
      let folder = try TemporaryFolder()
      guard let saved = try run.run(in: folder, ranks: ranks, stopAt: stop) else { break }
      try body(folder, saved)
    }
  }

  /// Wherever it was stopped, on as many ranks the scores are the same bits as undisturbed ones, and nothing is left.
  @Test(
    arguments: [1, 2, 3],
    [
      [:], ["scoring.accumulation": "absolute"], ["scoring.criterion": "taylor", "resources.recompute": "always"],
      ["resources.weights": "owner", "resources.memory-limit": "106MB", "scoring.exchange": "bf16"],
    ])
  func sameBits(ranks: Int, changes: [String: String]) throws {
    let run = scoring(changes)
    let whole = try TemporaryFolder()
    #expect(try run.run(in: whole, ranks: ranks) == nil)
    let wanted = try scores(whole)
    #expect(whole.states.isEmpty && wanted.count == Self.layers)
    var heard: Set<String> = []
    try stops(run, ranks: ranks) { (folder, saved) throws in
      heard.insert(saved)
      #expect(!folder.names.contains("scores.safetensors"))
      #expect(folder.states.isEmpty == Self.nothing.contains(saved), "\(saved): \(folder.states)")
      #expect(try run.run(in: folder, ranks: ranks) == nil)
      #expect(try scores(folder) == wanted, "\(saved)")
      #expect(folder.states.isEmpty)
    }
    #expect(heard == Self.nothing.union((0..<Self.layers).map { "score after layer \($0)" }))
  }

  /// What some ranks left any other number of ranks goes on from.
  @Test(arguments: [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2), (2, 5)], ["signed", "absolute"])
  func otherRanks(ranks: (from: Int, to: Int), accumulation: String) throws {
    let run = scoring(["scoring.accumulation": accumulation])
    let whole = try TemporaryFolder()
    _ = try run.run(in: whole, ranks: ranks.to)
    let wanted = try scores(whole)
    try stops(run, ranks: ranks.from) { (folder, saved) throws in
      guard saved.hasPrefix("score after") else { return }
      let layer = try #require(Int(saved.split(separator: " ").last ?? ""))
      // Ranks own contiguous sequences; below the first layer none is needed.
      let streams = folder.states.filter { $0.contains("rank-") }
      #expect(streams.count == (layer == 0 ? 0 : ranks.from))
      let left = try folder.copy()
      #expect(try run.run(in: folder, ranks: ranks.to) == nil)
      let found = try scores(folder)
      #expect(largestRelativeDifference(found.flatMap(\.mlp), wanted.flatMap(\.mlp)) < 1e-5, "\(saved)")
      #expect(largestRelativeDifference(found.flatMap(\.attention), wanted.flatMap(\.attention)) < 1e-5, "\(saved)")
      // It did go on: what had been scored are the other ranks' bits.
      let state = try SavedState(contentsOfFile: left.file("state/score-00000\(Self.layers - layer).safetensors"))
      #expect(state.arrays["layers.\(layer).mlp"] == found[layer].mlp)
    }
  }

  /// Stopped again and again, by other ranks each time.
  @Test func oneLayerAtATime() throws {
    let run = scoring()
    let (whole, folder) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try run.run(in: whole, ranks: 2)
    for (layer, ranks) in zip((0..<Self.layers).reversed(), [3, 1, 2, 5]) {
      // The first call at which so much is done.
      let stop = try #require(
        try (0...).first { stop in
          let tried = try folder.copy()
          return try run.run(in: tried, ranks: ranks, stopAt: stop) == "score after layer \(layer)"
        })
      #expect(try run.run(in: folder, ranks: ranks, stopAt: stop) == "score after layer \(layer)")
    }
    #expect(try run.run(in: folder, ranks: 2) == nil)
    let (found, wanted) = (try scores(folder), try scores(whole))
    #expect(largestRelativeDifference(found.flatMap(\.mlp), wanted.flatMap(\.mlp)) < 1e-5)
    #expect(largestRelativeDifference(found.flatMap(\.attention), wanted.flatMap(\.attention)) < 1e-5)
  }

  /// With a state after every layer, a damaged one leads back to the one before, and two to the beginning.
  @Test(arguments: [1, 2]) func damagedState(ranks: Int) throws {
    let run = scoring(["resources.save-interval": "0"])
    let whole = try TemporaryFolder()
    _ = try run.run(in: whole, ranks: ranks)
    let wanted = try scores(whole)
    var isTried = false
    try stops(run, ranks: ranks) { (folder, saved) throws in
      guard saved == "score after layer 1" else { return }
      isTried = true
      let newest = "state/score-000003"
      let older = "state/score-000002"
      #expect(folder.states.contains("score-000002.safetensors") && folder.states.contains("score-000003.safetensors"))
      let files = ["\(newest).safetensors", "\(newest).rank-\(ranks - 1).safetensors"]
      for damaged in [[files[0]], [files[1]], [files[1], "\(older).safetensors"]] {
        let tried = try folder.copy()
        for name in damaged {
          var bytes = try tried.read(name)
          bytes[bytes.count - 2] ^= 4
          try tried.write(bytes, to: name)
        }
        #expect(try run.run(in: tried, ranks: ranks) == nil)
        #expect(try scores(tried) == wanted, "\(damaged)")
      }
    }
    #expect(isTried)
  }

  /// A state of other settings or another text is not gone on from: it is refused, and started over when that is asked.
  @Test(arguments: [["scoring.objective": "loss"], ["calibration.seed": "3", "calibration.sequences": "4"]])
  func otherDocument(changes: [String: String]) throws {
    let (run, other) = (scoring(), scoring(changes))
    let whole = try TemporaryFolder()
    _ = try other.run(in: whole, ranks: 1)
    try stops(run, ranks: 1) { (folder, saved) throws in
      if !folder.states.isEmpty {
        let error = #expect(throws: (any Error).self) { try other.run(in: folder, ranks: 1) }
        let key = try #require(changes.keys.first { "\(error, default: "")".contains($0) })
        #expect("\(error, default: "")".contains("and is now \(changes[key] ?? "?")"))
        #expect("\(error, default: "")".contains("--fresh"))
      }
      var anew = other
      anew.isFresh = true
      #expect(try anew.run(in: folder, ranks: 1) == nil)
      #expect(try scores(folder) == scores(whole), "\(saved)")
    }
  }

  /// A choice among candidates goes on with the one that it came to, and ends alike.
  @Test(arguments: [1, 2]) func candidates(ranks: Int) throws {
    let settings = [
      "calibration.sequences": "2", "selection.texts": texts.file("others.safetensors"), "selection.length": "6",
      "selection.sequences": "2",
      "selection.held-out": texts.file("rows.safetensors"), "allocation.round-to": "4",
    ]
    var run = scoring(settings)
    run = StoppableRun(settings: run.settings, needs: [.calibration, .selection]) { run, _ in
      _ = try run.selectOnly()
    }
    let whole = try TemporaryFolder()
    #expect(try run.run(in: whole, ranks: ranks) == nil)
    #expect(whole.states.isEmpty)
    var steps: Set<String> = []
    try stops(run, ranks: ranks) { (folder, saved) throws in
      steps.formUnion(folder.states.filter { $0.hasPrefix("candidate-") })
      #expect(saved != "what earlier stages left" || folder.states.contains("candidate-2.safetensors"))
      #expect(try run.run(in: folder, ranks: ranks) == nil)
      for file in ["scores.safetensors", "plan.json"] { #expect(try folder.read(file) == whole.read(file), "\(saved)") }
      #expect(folder.states.isEmpty)
    }
    #expect(steps == Set((1...2).map { "candidate-\($0).safetensors" }))
  }

  /// Magnitudes take a moment: nothing is saved of them, and they too end when they are asked to.
  @Test(arguments: [1, 3]) func magnitudes(ranks: Int) throws {
    let run = scoring(["scoring.criterion": "magnitude"])
    let whole = try TemporaryFolder()
    _ = try run.run(in: whole, ranks: ranks)
    var count = 0
    try stops(run, ranks: ranks) { (folder, saved) throws in
      count += 1
      #expect(Self.nothing.contains(saved) && folder.states.isEmpty)
      #expect(try run.run(in: folder, ranks: ranks) == nil)
      #expect(try scores(folder) == scores(whole))
    }
    #expect(count > 1)
  }
}
