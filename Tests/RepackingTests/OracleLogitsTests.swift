internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Compute
import Foundation
import ModelTestSupport
import Repacking
import Safetensors
import TestSupport
import Testing

/// Every kind of folder that Espalier writes loads in the oldest and the newest transformers that we promise, does there what any
/// Llama does, and has the logits that Espalier computes, where scripts/setup-oracle has installed them.
@Suite(.serialized, .enabled(if: !Oracle.all.isEmpty)) struct OracleLogitsTests {
  @Test func everyOutputLoads() throws {
    let outputs = try Self.outputs()
    for oracle in Oracle.all {
      let scratch = try TemporaryFolder()
      let jobs = outputs.enumerated().map { index, output in
        Oracle.Job(
          folder: output.path, ids: Self.sequences(output), logits: scratch.file("\(index).safetensors"))
      }
      let failure = try oracle.check(jobs, in: scratch)
      try #require(failure == nil, "\(failure ?? "")")
      for (index, output) in outputs.enumerated() {
        let theirs = try SafetensorsFile(path: scratch.file("\(index).safetensors"))
        let model = try Model(path: output.path)
        let own = try model.logits(of: Self.sequences(output), backend: TestedBackend.cpu.make())
        for (number, ours) in own.enumerated() {
          let oracle = try theirs.tensor("logits.\(number)").floats()
          let largest = oracle.map(abs).max() ?? 0
          #expect(largestDifference(ours, oracle) < 1e-4 * max(1, largest), "output \(index)")
        }
      }
    }
  }

  /// A fixture's folder as transformers 4 writes it.
  private static func folder(ofOlder name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.link("config.json", to: Fixtures.model(name) + "/config.v4.json")
    try folder.link("model.safetensors", to: Fixtures.model(name) + "/model.safetensors")
    return folder
  }

  private static func sequences(_ output: Repacked) -> [[Int32]] {
    randomSequences(lengths: [19, 8], vocabularySize: output.model.blueprint.vocabularySize, seed: 30)
  }

  /// One of each kind, on models with and without a tied head, biases, scaled rotary frequencies, and in bf16's rounding.
  private static func outputs() throws -> [Repacked] {
    var outputs: [Repacked] = []
    for name in ["tiny-llama", "tiny-llama-tied", "tiny-llama3", "biased"] {
      let model = try MaskedLogitsTests.model(name)
      let plan = try PruningPlan.randomWithAbsentSublayers(for: model.blueprint, seed: 31)
      // Layers without attention and without an MLP, gates folded in, updates merged.
      outputs.append(try Repacked(model, plan, edits: TensorEdits.random(for: model, seed: 32)))
    }
    for (name, layout) in [
      ("tiny-llama", CheckpointLayout.native), ("tiny-llama3", .native), ("tiny-llama3", .perLayer),
      ("biased", .perLayer),
    ] {
      let model = try MaskedLogitsTests.model(name)
      let plan = try PruningPlan.random(for: model.blueprint, seed: 29, isUniform: layout == .native)
      outputs.append(try Repacked(model, plan, layout: layout))
    }
    let sharded = try MaskedLogitsTests.model("tiny-llama-sharded")
    let plan = try PruningPlan.random(for: sharded.blueprint, seed: 28)
    outputs.append(try Repacked(sharded, plan, maximumShardBytes: 100_000))
    // With the keys of transformers 4 alone.
    let older = try Self.folder(ofOlder: "tiny-llama3")
    let olderModel = try Model(path: older.path)
    outputs.append(
      try withExtendedLifetime(older) {
        try Repacked(olderModel, try PruningPlan.random(for: olderModel.blueprint, seed: 27))
      })
    // Recovered whole.
    let tied = try MaskedLogitsTests.model("tiny-llama-tied")
    outputs.append(try Repacked(tied, nil, edits: TensorEdits.random(for: tied, seed: 33)))
    return outputs + (try NativeObstacleTests.outputs())
  }
}
