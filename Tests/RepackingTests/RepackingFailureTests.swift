import Architectures
import Artifacts
import Checkpoints
import Communication
import Foundation
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// A write that cannot be leaves nothing behind.
@Suite struct RepackingFailureTests {
  @Test func nativeLayersMustBeOfOneShape() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.keeping(
      [.init(attention: [0], mlp: [1]), .init(attention: [0, 1], mlp: [1])], of: model.blueprint)
    let parent = try TemporaryFolder()
    let error = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, to: parent.file("out"), layout: .native, maximumShardBytes: 1 << 30,
        communicator: SoloCommunicator())
    }
    #expect(
      error?.line
        == "repacking.layout: native: it needs layers of one shape, with attention and MLP, which this plan does not leave; "
        + "write layout per-layer, or auto")
    #expect(parent.names.isEmpty)
  }

  @Test func aFolderThatIsNotEmptyIsRefused() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let parent = try TemporaryFolder()
    try parent.makeFolder("out")
    try parent.write("mine", to: "out/notes.txt")
    #expect(throws: (any Error).self) {
      try Repacked.write(
        model, plan, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30,
        communicator: SoloCommunicator())
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent.file("out")) == ["notes.txt"])
  }

  @Test func aShardLimitOfNothingIsRefused() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let parent = try TemporaryFolder()
    let error = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, to: parent.file("out"), layout: nil, maximumShardBytes: 0, communicator: SoloCommunicator())
    }
    #expect(error?.line == "a shard of at most 0 bytes holds nothing; raise the limit")
    #expect(parent.names.isEmpty)
  }

  /// A folder stands where the configuration, the last file, should go: weights, code and index are removed again.
  @Test(arguments: ["config.json", "model.safetensors", "modeling_espalier_llama.py", "generation_config.json"])
  func aFileThatCannotBeWritten(name: String) throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let parent = try TemporaryFolder()
    let prepared = try OutputFolder(preparing: parent.file("out"))
    try parent.makeFolder("out/\(name)/in-the-way")
    #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, to: parent.file("out"), layout: .perLayer, maximumShardBytes: 1 << 30,
        communicator: SoloCommunicator(), prepared: prepared)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent.file("out")) == [name])
  }

  /// Ranks that cannot see the folder learn it before anything is written.
  @Test func aFolderThatIsGone() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.random(for: model.blueprint, seed: 1)
    let repacker = Repacker(model, plan: plan, communicator: SoloCommunicator())
    let failure = #expect(throws: PeerFailure.self) {
      try repacker.write(
        to: "/nonexistent/out", layout: nil, prepared: nil, maximumShardBytes: 1 << 30,
        provenance: Provenance(version: "", planHash: ""), hooks: Repacker.Hooks(exitCode: { _ in 73 }))
    }
    #expect(failure?.exitCode == 73)
    #expect(failure?.description.hasPrefix("the folder /nonexistent/out is not on this machine; ") == true)
  }
}
