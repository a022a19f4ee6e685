internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Communication
import LayerStreaming
import ModelTestSupport
import Saliency
import TestSupport
import Testing
import Transformers

/// The criteria that need no sequences.
@Suite struct BaselineTests {
  /// Σ|w| over the rows of q, k, v and columns of o of a head, or the rows of gate and up and the column of down of a
  /// neuron, biases included, summed here from the tensors as they are named.
  @Test(arguments: TestedBackend.allCases) func magnitudeIsTheSumOfAbsoluteWeights(backend: TestedBackend) throws {
    let model = try RandomCheckpoint.model()
    let scorer = Scorer(blueprint: model.blueprint, backend: backend.make(), communicator: SoloCommunicator())
    let layers = try scorer.scoreMagnitude(weights: { try $0.map { try model.weights(of: .layer($0)) } })
    for layer in 0..<2 {
      func sum(_ name: String, rows: Range<Int>? = nil, columns: Range<Int>? = nil) throws -> Double {
        let tensor = try #require(model.folder.tensor(named: "model.layers.\(layer).\(name)"))
        let width = tensor.shape.rank == 1 ? 1 : tensor.shape.dimensions[1]
        let values = try tensor.floats()
        var sum = 0.0
        for (index, value) in values.enumerated()
        where (rows?.contains(index / width) ?? true) && (columns?.contains(index % width) ?? true) {
          sum += Double(abs(value))
        }
        return sum
      }
      for unit in 0..<2 {
        let (queries, keys) = (unit * 16..<unit * 16 + 16, unit * 8..<unit * 8 + 8)
        var expected = try sum("self_attn.o_proj.weight", columns: queries)
        for kind in ["weight", "bias"] {
          expected += try sum("self_attn.q_proj.\(kind)", rows: queries)
          expected += try sum("self_attn.k_proj.\(kind)", rows: keys)
          expected += try sum("self_attn.v_proj.\(kind)", rows: keys)
        }
        #expect(abs(Double(layers[layer].attention[unit]) - expected) < 1e-4 * expected)
      }
      for unit in 0..<24 {
        var expected = try sum("mlp.down_proj.weight", columns: unit..<unit + 1)
        for kind in ["weight", "bias"] {
          expected += try sum("mlp.gate_proj.\(kind)", rows: unit..<unit + 1)
          expected += try sum("mlp.up_proj.\(kind)", rows: unit..<unit + 1)
        }
        #expect(abs(Double(layers[layer].mlp[unit]) - expected) < 1e-4 * expected)
      }
    }
  }

  @Test func randomFollowsItsSeedAlone() throws {
    let model = try RandomCheckpoint.model()
    func scores(_ seed: UInt64, _ backend: TestedBackend) -> [ScoreTable.Layer] {
      Scorer(blueprint: model.blueprint, backend: backend.make(), communicator: SoloCommunicator())
        .scoreRandomly(seed: seed)
    }
    let first = scores(1, .cpu)
    #expect(scores(1, .reference) == first)
    #expect(scores(2, .cpu) != first)
    #expect(first.map(\.attention.count) == [2, 2])
    #expect(first.map(\.mlp.count) == [24, 24])
    let all = flat(first, \.attention) + flat(first, \.mlp)
    #expect(all.allSatisfy { (0..<1).contains($0) })
    #expect(Set(all).count == all.count)
  }

  @Test func whichCriteriaNeedSequences() {
    let needing = ScoringSettings.Criterion.allCases.filter { ScoringSettings(criterion: $0).usesGradients }
    #expect(needing == [.ntk, .taylor])
  }
}
