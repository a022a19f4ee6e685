import Architectures
import Artifacts
import Checkpoints
import Communication
import Foundation
import MPITestSupport
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// However many ranks write, the files are the same. Collective: see ``TestWorld``.
@Suite(.serialized) struct RepackingRanksTests {
  @Test(arguments: MaskedLogitsTests.models, [20_000, 1 << 30])
  func filesAreTheSame(name: String, shardBytes: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(name) \(shardBytes)")
    let model = try MaskedLogitsTests.model(name)
    let plan = try PruningPlan.random(for: model.blueprint, seed: 17)
    let parent = communicator.rank == 0 ? try TemporaryFolder() : nil
    let path = String(
      decoding: try communicator.broadcast(Array((parent?.file("out") ?? "").utf8), root: 0), as: UTF8.self)
    let result = try Repacked.write(
      model, plan, to: path, layout: nil, maximumShardBytes: shardBytes, communicator: communicator)
    if communicator.rank == 0 {
      let solo = try Repacked(model, plan, maximumShardBytes: shardBytes)
      #expect(result.byteCount == solo.result.byteCount)
      #expect(result.parameterCount == solo.result.parameterCount)
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      #expect(names == solo.names)
      #expect(names.filter { $0.hasSuffix(".safetensors") }.count > (shardBytes == 20_000 ? 1 : 0))
      for name in solo.names {
        #expect(try TemporaryFolder.bytes(of: path + "/" + name) == solo.bytes(name), "\(name)")
      }
    }
    try communicator.barrier()
    withExtendedLifetime(parent) {}
  }

  /// Also where numbers change on the way, and sublayers go.
  @Test(arguments: MaskedLogitsTests.models) func editedFilesAreTheSame(name: String) throws {
    let communicator = try TestWorld.communicator("\(#function) \(name)")
    let model = try MaskedLogitsTests.model(name)
    let plan = try PruningPlan.randomWithAbsentSublayers(for: model.blueprint, seed: 18)
    let edits = TensorEdits.random(for: model, seed: 19)
    let parent = communicator.rank == 0 ? try TemporaryFolder() : nil
    let path = String(
      decoding: try communicator.broadcast(Array((parent?.file("out") ?? "").utf8), root: 0), as: UTF8.self)
    _ = try Repacked.write(
      model, plan, edits: edits, to: path, layout: nil, maximumShardBytes: 20_000, communicator: communicator)
    if communicator.rank == 0 {
      let solo = try Repacked(model, plan, edits: edits, maximumShardBytes: 20_000)
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      #expect(names == solo.names)
      for name in solo.names {
        #expect(try TemporaryFolder.bytes(of: path + "/" + name) == solo.bytes(name), "\(name)")
      }
    }
    try communicator.barrier()
    withExtendedLifetime(parent) {}
  }

  /// One rank's tensor overflows: everyone gets the same error, and every rank's files go.
  @Test func aNumberThatDoesNotFitLeavesNothing() throws {
    let communicator = try TestWorld.communicator()
    let model = try Model(path: Fixtures.model("tiny-llama"))
    var edits = TensorEdits(factors: model.blueprint.unitFactors { _ in 1 })
    edits.factors?[1][1]?[3] = .infinity
    let parent = communicator.rank == 0 ? try TemporaryFolder() : nil
    let path = String(
      decoding: try communicator.broadcast(Array((parent?.file("out") ?? "").utf8), root: 0), as: UTF8.self)
    let failure = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, nil, edits: edits, to: path, layout: nil, maximumShardBytes: 20_000, communicator: communicator)
    }
    #expect(failure?.exitCode == 70)
    #expect(failure?.line.contains("element [0, 3] becomes") == true, "\(failure?.line ?? "")")
    try communicator.barrier()
    #expect(parent?.names ?? [] == [])
    try communicator.barrier()
  }

  /// One rank cannot write its shard: everyone gets the same error, and every rank's files go.
  @Test func aFailureAnywhereLeavesNothing() throws {
    let communicator = try TestWorld.communicator()
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let plan = try PruningPlan.random(for: model.blueprint, seed: 17)
    let parent = communicator.rank == 0 ? try TemporaryFolder() : nil
    let path = String(
      decoding: try communicator.broadcast(Array((parent?.file("out") ?? "").utf8), root: 0), as: UTF8.self)
    let prepared = communicator.rank == 0 ? try OutputFolder(preparing: path) : nil
    let shards = try ShardNames(model, plan, limit: 20_000)
    // The last shard is the last rank's, or one of rank 0's.
    let blocked = shards.names[shards.names.count - 1]
    let writer = (shards.names.count - 1) % communicator.size
    if communicator.rank == 0 {
      try FileManager.default.createDirectory(
        atPath: "\(path)/\(blocked)/in-the-way", withIntermediateDirectories: true)
    }
    try communicator.barrier()
    let failure = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, to: path, layout: nil, maximumShardBytes: 20_000, communicator: communicator, prepared: prepared)
    }
    #expect(failure?.rank == writer)
    #expect(failure?.exitCode == 70)
    #expect(failure?.description.contains(blocked) == true)
    try communicator.barrier()
    if communicator.rank == 0 {
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [blocked])
    }
    try communicator.barrier()
    withExtendedLifetime(parent) {}
  }

  /// The names of the weight files that a plan leaves, as one rank writes them.
  private struct ShardNames {
    let names: [String]

    init(_ model: Model, _ plan: PruningPlan, limit: Int) throws {
      names = try Repacked(model, plan, maximumShardBytes: limit).names.filter { $0.hasSuffix(".safetensors") }
    }
  }
}
