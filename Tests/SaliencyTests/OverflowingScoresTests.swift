import Architectures
import Artifacts
import Blueprints
import ModelTestSupport
import Saliency
import TestSupport
import Testing
import Transformers

/// Scores that are no numbers are told of where the gradient stopped being one, before anything is made of them.
@Suite struct OverflowingScoresTests {
  private static func progress(_ layer: ScoreTable.Layer, objective: Double = 1) -> ScoringProgress {
    ScoringProgress(layer: 3, objective: objective, layers: [layer, .init(attention: [.nan], mlp: [.nan])])
  }

  @Test func theNewestLayerIsNamed() throws {
    try Self.progress(.init(attention: [0, 1], mlp: [.greatestFiniteMagnitude, 3])).requireFinite()
    for (layer, objective, beginning) in [
      (
        ScoreTable.Layer(attention: [1, .nan], mlp: [.infinity]), 1.0, "layer 3: the score of key-value head 1 is nan "
      ),
      (.init(attention: [1, 2], mlp: [1, 2, .infinity]), 1, "layer 3: the score of neuron 2 is inf "),
      (.init(attention: [1, 2], mlp: [1]), .nan, "the objective is nan "),
    ] {
      let error = #expect(throws: ArtifactError.self) {
        try Self.progress(layer, objective: objective).requireFinite()
      }
      #expect(error?.code == .notFinite)
      #expect(error?.message.hasPrefix(beginning) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("scoring.criterion: magnitude") == true)
    }
  }

  /// A hidden state beyond float32 ends scoring before the way back, whatever is summed.
  @Test(arguments: [ScoringSettings.Accumulation.signed, .absolute]) func anOverflowScoresNothing(
    accumulation: ScoringSettings.Accumulation
  ) throws {
    let model = try RandomCheckpoint.shared
    let source = try MemoryLayerSource(model)
    let role = TensorRole(.layer(1), sublayer: 0, .outputWeight)
    source.values[role] = source.values[role]?.map { $0 < 0 ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude }
    let run = ScoringRun(model, settings: ScoringSettings(accumulation: accumulation))
    let error = #expect(throws: Overflow.self) {
      try run.score(randomSequences(lengths: [9, 5], vocabularySize: 64, seed: 3), source: source)
    }
    #expect(error == Overflow(.layer(1), .model))
  }
}
