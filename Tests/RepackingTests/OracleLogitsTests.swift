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

/// transformers loads what Espalier wrote and computes the same logits, where scripts/setup-oracle has installed it.
@Suite(.serialized, .enabled(if: Fixtures.oraclePython != nil)) struct OracleLogitsTests {
  @Test(
    arguments: [
      ("tiny-llama", CheckpointLayout.perLayer), ("tiny-llama", .native), ("tiny-llama-tied", .perLayer),
      ("tiny-llama3", .perLayer), ("tiny-llama3", .native), ("biased", .perLayer),
    ])
  func transformersAgree(name: String, layout: CheckpointLayout) throws {
    let model = try MaskedLogitsTests.model(name)
    let plan = try PruningPlan.random(for: model.blueprint, seed: 29, isUniform: layout == .native)
    try expectAgreement(try Repacked(model, plan, layout: layout))
  }

  /// Layers without attention and without an MLP, gates folded in, updates merged.
  @Test(arguments: ["tiny-llama", "tiny-llama-tied", "tiny-llama3", "biased"])
  func transformersAgreeWithoutSublayers(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let plan = try PruningPlan.randomWithAbsentSublayers(for: model.blueprint, seed: 31)
    try expectAgreement(try Repacked(model, plan))
    try expectAgreement(try Repacked(model, plan, edits: TensorEdits.random(for: model, seed: 32)))
  }

  private func expectAgreement(_ repacked: Repacked) throws {
    let model = try Model(path: repacked.path)
    let sequences = randomSequences(
      lengths: [19, 8], vocabularySize: model.blueprint.vocabularySize, seed: 30)
    let own = try model.logits(of: sequences, backend: TestedBackend.cpu.make())
    let theirs = try logits(repacked, sequences)
    for (ours, oracle) in zip(own, theirs) {
      let largest = oracle.map(abs).max() ?? 0
      #expect(largestDifference(ours, oracle) < 1e-4 * max(1, largest))
    }
    #expect(own.count == theirs.count)
  }

  private func logits(_ repacked: Repacked, _ sequences: [[Int32]]) throws -> [[Float]] {
    let ids = repacked.parent.file("ids.json")
    try JSONEncoder().encode(sequences).write(to: URL(filePath: ids))
    let output = repacked.parent.file("logits.safetensors")
    let script = Fixtures.repository + "/scripts/oracle/pruned_logits.py"
    let errors = repacked.parent.file("errors.txt")
    try Data().write(to: URL(filePath: errors))
    let process = Process()
    process.executableURL = URL(filePath: try #require(Fixtures.oraclePython))
    process.arguments = [script, repacked.path, ids, "--out", output, "--reload"]
    let own = ["HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_MODULES_CACHE": repacked.parent.file("modules")]
    process.environment = ProcessInfo.processInfo.environment.merging(own) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    try process.run()
    process.waitUntilExit()
    let complaint = try String(contentsOfFile: errors, encoding: .utf8)
    try #require(process.terminationStatus == 0, "\(complaint)")
    let file = try SafetensorsFile(path: output)
    return try sequences.indices.map { try file.tensor("logits.\($0)").floats() }
  }
}
