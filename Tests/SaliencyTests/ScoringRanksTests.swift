import Architectures
import Artifacts
import Blueprints
import Communication
import LayerStreaming
import MPITestSupport
import ModelTestSupport
import Saliency
import TestSupport
import Testing
import Transformers

/// Scores do not depend on the number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct ScoringRanksTests {
  /// How sequences lie over ranks.
  enum Spread: String, CaseIterable, Sendable {
    /// Blocks that differ by one at most.
    case even
    /// All on the last rank.
    case lastRank
    /// Fewer sequences than ranks may be: one.
    case single
  }

  @Test(arguments: ScoringSettings.Accumulation.allCases, Spread.allCases)
  func equalSoloScores(accumulation: ScoringSettings.Accumulation, spread: Spread) throws {
    let communicator = try TestWorld.communicator("\(#function) \(accumulation) \(spread)")
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let all = randomSequences(lengths: [18, 9, 23, 14, 11], vocabularySize: 512, seed: 21)
    let sequences = spread == .single ? Array(all.prefix(1)) : all
    let isLast = communicator.rank == communicator.size - 1
    let own: [[Int32]]? = spread == .lastRank ? (isLast ? sequences : []) : nil
    for objective in Objective.allCases {
      let settings = ScoringSettings(objective: objective, accumulation: accumulation)
      let solo = try ScoringRun(model, settings: settings).score(sequences)
      var run = ScoringRun(model, settings: settings)
      run.communicator = communicator
      let mapped = try run.score(sequences, own: own)
      let owner = try run.score(
        sequences, own: own,
        source: try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping)))
      #expect(owner.layers == mapped.layers, "\(objective)")
      #expect(owner.objective == mapped.objective)
      #expect(abs(mapped.objective - solo.objective) < 1e-6 * abs(solo.objective))
      let difference = largestDifference(mapped.layers, solo.layers)
      #expect(difference < 1e-5, "\(objective): \(difference)")
      try expectTheSameEverywhere(mapped.layers, communicator)
    }
  }

  @Test func baselinesNeedNoSequences() throws {
    let communicator = try TestWorld.communicator()
    let model = try RandomCheckpoint.model()
    let solo = Scorer(
      blueprint: model.blueprint, backend: TestedBackend.cpu.make(), communicator: SoloCommunicator())
    let ranks = Scorer(blueprint: model.blueprint, backend: TestedBackend.cpu.make(), communicator: communicator)
    let magnitude = try ranks.scoreMagnitude(weights: { try $0.map { try model.weights(of: .layer($0)) } })
    #expect(magnitude == (try solo.scoreMagnitude(weights: { try $0.map { try model.weights(of: .layer($0)) } })))
    #expect(ranks.scoreRandomly(seed: 5) == solo.scoreRandomly(seed: 5))
    try expectTheSameEverywhere(magnitude, communicator)
  }

  /// A rank that spills its boundaries scores what the others do.
  @Test func spillingRanks() throws {
    let communicator = try TestWorld.communicator()
    let model = try RandomCheckpoint.model()
    let sequences = randomSequences(lengths: [8, 8, 8, 8], vocabularySize: 64, seed: 4)
    var run = ScoringRun(model)
    run.communicator = communicator
    let kept = try run.score(sequences)
    let spilled = try run.score(sequences, memoryBudget: communicator.rank == 0 ? 0 : nil)
    #expect(kept.layers == spilled.layers)
  }

  private func expectTheSameEverywhere(_ layers: [ScoreTable.Layer], _ communicator: any Communicator) throws {
    let values = flat(layers, \.attention) + flat(layers, \.mlp)
    let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
    let everywhere = try communicator.gather(bytes)
    #expect(everywhere.allSatisfy { $0 == bytes })
  }
}
