import Architectures
import Artifacts
import Checkpoints
import ModelTestSupport
import Saliency
import TestSupport
import Testing
import Transformers

/// What sums over sequences, and what does not change with the way they are gathered.
@Suite struct AccumulationTests {
  static let sequences = randomSequences(lengths: [12, 12, 12, 12], vocabularySize: 64, seed: 9)

  /// `absolute` takes the absolute value per sequence: it is the sum of what each sequence scores on its own.
  @Test(arguments: Objective.allCases, TestedBackend.allCases)
  func absoluteIsTheSumOfSequences(objective: Objective, backend: TestedBackend) throws {
    let model = try RandomCheckpoint.model()
    let settings = ScoringSettings(objective: objective, accumulation: .absolute)
    let together = try ScoringRun(model, backend, settings: settings).score(Self.sequences)
    var sums: [ScoreTable.Layer] = []
    var objectives = 0.0
    for sequence in Self.sequences {
      // Alone, an objective is a mean over this sequence; among four of one length it counts a quarter.
      let alone = try ScoringRun(model, backend, settings: ScoringSettings(objective: objective)).score([sequence])
      objectives += alone.objective / 4
      let quarter = alone.layers.map { layer in
        ScoreTable.Layer(attention: layer.attention.map { $0 / 4 }, mlp: layer.mlp.map { $0 / 4 })
      }
      sums = sums.isEmpty ? quarter : zip(sums, quarter).map { Self.add($0, $1) }
    }
    #expect(abs(together.objective - objectives) < 1e-5)
    #expect(largestDifference(together.layers, sums) < 1e-4)
    // Signs cancel in the signed sum only.
    let signed = try ScoringRun(model, backend, settings: ScoringSettings(objective: objective)).score(Self.sequences)
    for (a, b) in zip(flat(signed.layers, \.mlp), flat(together.layers, \.mlp)) { #expect(a <= b * 1.0001) }
    #expect(largestDifference(signed.layers, together.layers) > 0.01)
  }

  @Test(arguments: [1, 12, 24, 1000]) func batchesDoNotMatter(batchTokens: Int) throws {
    let model = try RandomCheckpoint.model()
    let whole = try ScoringRun(model).score(Self.sequences)
    var run = ScoringRun(model)
    run.batchTokens = batchTokens
    let result = try run.score(Self.sequences, memoryBudget: batchTokens == 24 ? 0 : nil)
    #expect(abs(result.objective - whole.objective) < 1e-6)
    #expect(largestDifference(result.layers, whole.layers) < 1e-4)
  }

  /// A layer's inside, kept or computed again, is the same bits.
  @Test(arguments: ScoringSettings.Accumulation.allCases, TestedBackend.allCases)
  func recomputingChangesNoBit(accumulation: ScoringSettings.Accumulation, backend: TestedBackend) throws {
    for objective in Objective.allCases {
      let settings = ScoringSettings(objective: objective, accumulation: accumulation)
      var run = ScoringRun(try RandomCheckpoint.model(["num_hidden_layers": 3]), backend, settings: settings)
      run.batchTokens = 24
      let always = try run.score(Self.sequences)
      for kept in 1...3 {
        run.keptLayers = kept
        let result = try run.score(Self.sequences, memoryBudget: kept == 2 ? 0 : nil)
        #expect(result.layers == always.layers && result.objective == always.objective, "\(objective), \(kept)")
      }
    }
  }

  @Test func taylorIsTheLossScore() throws {
    let model = try RandomCheckpoint.model()
    let taylor = ScoringSettings(criterion: .taylor, objective: .maximumLogit)
    #expect(taylor.objective == .loss)
    let a = try ScoringRun(model, settings: taylor).score(Self.sequences)
    let b = try ScoringRun(model, settings: ScoringSettings(objective: .loss)).score(Self.sequences)
    #expect(a.layers == b.layers)
    #expect(a.objective == b.objective)
  }

  /// Every unit has a score, and a finite one above 0.
  @Test(arguments: ["tiny-llama", "tiny-llama-tied", "tiny-llama-bf16", "tiny-llama-sharded", "tiny-llama3"])
  func tablesFitTheirModels(name: String) throws {
    let model = try Model(path: Fixtures.model(name))
    let result = try ScoringRun(model).score(
      randomSequences(lengths: [20, 7], vocabularySize: 512, seed: 3))
    let table = ScoreTable(
      layers: result.layers,
      metadata: ScoreTable.Metadata(criterion: "", objective: "", accumulation: "", modelHash: "", dataHash: ""))
    try table.checked(against: model.blueprint.prunableLayers)
    #expect((flat(result.layers, \.attention) + flat(result.layers, \.mlp)).allSatisfy { $0 > 0 })
  }

  private static func add(_ a: ScoreTable.Layer, _ b: ScoreTable.Layer) -> ScoreTable.Layer {
    ScoreTable.Layer(attention: zip(a.attention, b.attention).map(+), mlp: zip(a.mlp, b.mlp).map(+))
  }

  /// A model whose second layer pruning has emptied: nothing there to score, and boundaries that are one matrix twice.
  @Test(arguments: ScoringSettings.Accumulation.allCases)
  func emptyLayersHaveNoScores(accumulation: ScoringSettings.Accumulation) throws {
    let nothing: JSONValue = ["num_attention_heads": 0, "num_key_value_heads": 0, "intermediate_size": 0]
    let model = try RandomCheckpoint.model(["num_hidden_layers": 3, "per_layer_config": ["1": nothing]])
    let sequences = randomSequences(lengths: [8, 5], vocabularySize: 64, seed: 4)
    let settings = ScoringSettings(accumulation: accumulation)
    let kept = try ScoringRun(model, settings: settings).score(sequences).layers
    #expect(kept.map(\.attention.count) == [2, 0, 2])
    #expect(kept.map(\.mlp.count) == [24, 0, 24])
    #expect((flat(kept, \.attention) + flat(kept, \.mlp)).allSatisfy { $0 > 0 })
    #expect(try ScoringRun(model, settings: settings).score(sequences, memoryBudget: 0).layers == kept)
    try ScoreTable(
      layers: kept,
      metadata: .init(
        criterion: "ntk", objective: "", accumulation: "", modelHash: "", dataHash: "")
    ).checked(against: model.blueprint.prunableLayers)
  }
}
