internal import Compute
internal import Transformers
internal import Recovery
import Architectures
import Blueprints
import Checkpoints
import Communication
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// What is written is what was trained.
@Suite struct MergedLogitsTests {
  /// The checkpoint with merged adapters gives the logits of the model with adapters beside it.
  @Test(arguments: TestedBackend.allCases) func mergedIsBeside(backend: TestedBackend) throws {
    let probe = try RecoveryProbe(backend)
    probe.settings.targets.remove(.keyWeight)
    let registry = try probe.run().registry
    let sequences = randomSequences(lengths: [9, 5, 12], vocabularySize: 64, seed: 8)
    let updates = registry.adapters.mapValues { adapter in
      LowRankUpdate(
        rank: registry.rank, a: probe.backend.floats(adapter.a), b: probe.backend.floats(adapter.b),
        scale: adapter.scale)
    }
    let folder = try TemporaryFolder()
    _ = try Repacker(
      probe.model, plan: nil, edits: TensorEdits(lowRank: updates), communicator: SoloCommunicator()
    ).write(
      to: folder.file("out"), layout: nil, prepared: try OutputFolder(preparing: folder.file("out")),
      maximumShardBytes: 1 << 30, provenance: Provenance(version: "1.2.3", planHash: nil),
      hooks: Repacker.Hooks(exitCode: { _ in 70 }))
    let merged = try Model(path: folder.file("out")).logits(of: sequences, backend: probe.backend)
    let beside = try probe.model.logits(of: sequences, backend: probe.backend, adapters: registry.adapters)
    let plain = try probe.model.logits(of: sequences, backend: probe.backend)
    for (index, logits) in merged.enumerated() {
      #expect(largestDifference(logits, beside[index]) < 1e-5)
      #expect(largestDifference(logits, plain[index]) > 1e-2)
    }
  }
}
