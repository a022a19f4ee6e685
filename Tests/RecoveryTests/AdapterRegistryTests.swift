internal import Compute
internal import Architectures
import Blueprints
import ModelTestSupport
import Recovery
import TestSupport
import Testing
import Transformers

/// A model's adapters as one vector.
@Suite struct AdapterRegistryTests {
  /// Adapters begin without an effect: b is 0, and logits are the very same.
  @Test(arguments: TestedBackend.allCases) func startChangesNothing(backend: TestedBackend) throws {
    let probe = try RecoveryProbe(backend)
    let registry = try probe.makeRegistry()
    for adapter in registry.adapters.values {
      #expect(probe.backend.floats(adapter.b).allSatisfy { $0 == 0 })
      // A as LoRA starts it: uniform in ±1/√in.
      let a = probe.backend.floats(adapter.a)
      let bound = 1 / Float(adapter.a.columns).squareRoot()
      #expect(a.allSatisfy { abs($0) <= bound } && a.contains { abs($0) > 0.9 * bound })
      #expect(abs(a.reduce(0, +) / Float(a.count)) < 0.25 * bound)
      #expect(adapter.scale == 2)
    }
    let sequences = randomSequences(lengths: [9, 5], vocabularySize: 64, seed: 8)
    let plain = try probe.model.logits(of: sequences, backend: probe.backend)
    #expect(try probe.model.logits(of: sequences, backend: probe.backend, adapters: registry.adapters) == plain)
  }

  /// Only targets have adapters, in every layer, of their shapes.
  @Test(
    arguments: [
      RecoveryProbe.allTargets, [.queryWeight, .downWeight], [.outputWeight], [.headWeight, .keyWeight], [.keyBias], [],
    ] as [Set<TensorPart>])
  func onlyTargets(targets: Set<TensorPart>) throws {
    let probe = try RecoveryProbe()
    probe.settings.targets = targets
    let registry = try probe.makeRegistry()
    let parts = targets.intersection(RecoveryProbe.allTargets)
    #expect(registry.adapters.count == 2 * parts.count)
    #expect(Set(registry.adapters.keys.map(\.part)) == parts)
    var count = 0
    for layer in 0..<2 {
      for tensor in probe.model.blueprint.tensors(of: .layer(layer)) where parts.contains(tensor.role.part) {
        let adapter = try #require(registry.adapters[tensor.role])
        #expect([adapter.b.rows, adapter.a.columns] == tensor.shape && adapter.a.rows == 3 && adapter.b.columns == 3)
        count += 3 * (tensor.shape[0] + tensor.shape[1])
      }
    }
    #expect(registry.count == count && registry.values.count == count)
  }

  @Test func valuesAreTheMatrices() throws {
    let probe = try RecoveryProbe()
    let registry = try probe.makeRegistry()
    let values = (0..<registry.count).map { Float($0) / 1000 }
    registry.values = values
    #expect(registry.values == values)
    var all: [Float] = []
    for adapter in registry.adapters.values { all += probe.backend.floats(adapter.a) + probe.backend.floats(adapter.b) }
    #expect(all.sorted() == values)
  }

  /// The first numbers follow from the seed.
  @Test func seeds() throws {
    let probe = try RecoveryProbe()
    let first = try probe.makeRegistry().values
    #expect(try probe.makeRegistry().values == first)
    probe.settings.seed = 5
    #expect(try probe.makeRegistry().values != first)
  }
}
