import Architectures
import Blueprints
import Compute
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// A mask that the blueprint carries reaches attention.
@Suite struct SlidingWindowTests {
  /// A window that no sequence fills is the causal mask; in a narrower one, two layers of a window of 3 see 5 tokens back.
  @Test(arguments: TestedBackend.allCases) func windows(_ tested: TestedBackend) throws {
    let model = try RandomCheckpoint.model()
    let backend = tested.make()
    let sequences = randomSequences(lengths: [11, 3], vocabularySize: 64, seed: 5)
    func logits(_ mask: AttentionSpecification.Mask, of sequences: [[Int32]]) throws -> [[Float]] {
      var blueprint = model.blueprint
      for layer in blueprint.stacks[0].layers.indices {
        guard case .attention(var attention) = blueprint.stacks[0].layers[layer].sublayers[0].kind else { continue }
        attention.mask = mask
        blueprint.stacks[0].layers[layer].sublayers[0].kind = .attention(attention)
      }
      var logits: [[Float]] = []
      try ForwardPass(blueprint: blueprint, backend: backend, source: try MemoryLayerSource(model))
        .run(sequences.map { TokenBatch(nextTokenOf: [$0]) }) { _, stream, head in
          logits.append(backend.floats(try head.logits(stream)))
        }
      return logits
    }
    let causal = try logits(.causal, of: sequences)
    #expect(try logits(.slidingWindow(11), of: sequences) == causal)
    let windowed = try logits(.slidingWindow(3), of: sequences)
    #expect(windowed[1] == causal[1] && windowed[0] != causal[0])

    var changed = sequences
    changed[0][4] = (changed[0][4] + 1) % 64
    let other = try logits(.slidingWindow(3), of: changed)
    let differs = (0..<11).map { other[0][$0 * 64..<($0 + 1) * 64] != windowed[0][$0 * 64..<($0 + 1) * 64] }
    #expect(differs == (0..<11).map { (4...8).contains($0) })
  }
}
