internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Compute
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Factors on heads and neurons.
@Suite struct GateTests {
  static let sequences = randomSequences(lengths: [11, 5], vocabularySize: 64, seed: 2)

  @Test(arguments: TestedBackend.allCases) func onesChangeNothing(backend: TestedBackend) throws {
    let model = try RandomCheckpoint.model()
    let ones: ModelGates = (0..<2).map { _ in
      [0: [Float](repeating: 1, count: 2), 1: [Float](repeating: 1, count: 24)]
    }
    let plain = try model.logits(of: Self.sequences, backend: backend.make())
    #expect(try model.logits(of: Self.sequences, backend: backend.make(), gates: ones) == plain)
    #expect(try model.logits(of: Self.sequences, backend: backend.make(), gates: [[:], [:]]) == plain)
  }

  /// A factor on a unit is the same factor on its columns of the output and down projections.
  @Test(arguments: TestedBackend.allCases) func factorsScaleTheLastProjection(backend: TestedBackend) throws {
    let model = try RandomCheckpoint.model()
    let source = try MemoryLayerSource(model)
    for (layer, gates) in FiniteDifferenceTests.gates.enumerated() {
      for units in model.blueprint.layers[layer].prunableUnits(hiddenSize: 32) {
        let part: TensorPart = units.pool == .attention ? .outputWeight : .downWeight
        let role = TensorRole(.layer(layer), sublayer: units.sublayer, part)
        let width = units.count * units.activationWidth
        source.values[role] = source.values[role]?.enumerated().map { index, weight in
          weight * (gates[units.sublayer]?[index % width / units.activationWidth] ?? 1)
        }
      }
    }
    let gated = try model.logits(of: Self.sequences, backend: backend.make(), gates: FiniteDifferenceTests.gates)
    let scaled = try model.logits(of: Self.sequences, backend: backend.make(), source: source)
    for (a, b) in zip(gated, scaled) { #expect(largestDifference(a, b) < 1e-4) }
    #expect(gated != (try model.logits(of: Self.sequences, backend: backend.make())))
  }

  /// Units whose factor is 0 get no gradient anywhere.
  @Test func closedUnitsHaveNoGradient() throws {
    let probe = try GradientProbe(try RandomCheckpoint.model(), .cpu, gates: FiniteDifferenceTests.gates)
    let gradients = try probe.gradients(.loss)
    for layer in 0..<2 {
      for part in [TensorPart.gateWeight, .upWeight] {
        let gradient = try #require(gradients[TensorRole(.layer(layer), sublayer: 1, part)])
        #expect(gradient[3 * 32..<4 * 32].allSatisfy { $0 == 0 })
        #expect(!gradient.allSatisfy { $0 == 0 })
      }
      let down = try #require(gradients[TensorRole(.layer(layer), sublayer: 1, .downWeight)])
      #expect((0..<32).allSatisfy { down[$0 * 24 + 3] == 0 })
    }
  }
}
