internal import Tensors
import Architectures
import Blueprints
import Checkpoints
import Communication
import LayerStreaming
import MPITestSupport
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Weights that arrive from their owners are the file's, byte for byte. Collective: see ``TestWorld``.
@Suite(.serialized) struct LayerStreamingRanksTests {
  @Test(arguments: ["tiny-llama", "tiny-llama-tied", "tiny-llama-bf16", "tiny-llama-sharded"], [1, 2, 3])
  func deliversTheSchedule(name: String, depth: Int) throws {
    let (communicator, source, model) = try open(name, depth: depth, "\(#function) \(name) \(depth)")
    let forward = model.blueprint.groups
    let both = forward + model.blueprint.layers.indices.reversed().map { WeightGroup.layer($0) }
    for schedule in [forward, both, Array(both.reversed()), [.head], [], [.layer(0), .layer(0)]] {
      try source.begin(schedule)
      for group in schedule { #expect(try Self.isStored(try source.weights(of: group), model)) }
    }
    try communicator.barrier()
  }

  /// A layer that pruning left nothing of has nothing to send.
  @Test func aLayerWithoutTensors() throws {
    let communicator = try TestWorld.communicator()
    let nothing: JSONValue = ["num_attention_heads": 0, "num_key_value_heads": 0, "intermediate_size": 0]
    let model = try RandomCheckpoint.model([
      "num_hidden_layers": 3, "attention_bias": false, "mlp_bias": false, "per_layer_config": ["1": nothing],
    ])
    let source = try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping))
    let groups = model.blueprint.groups
    try source.begin(groups + groups.reversed())
    for group in groups + groups.reversed() {
      let weights = try source.weights(of: group)
      #expect(weights.all.isEmpty == (group == .layer(1)))
      #expect(try Self.isStored(weights, model))
    }
    try communicator.barrier()
  }

  /// A pass that failed everywhere leaves groups behind that were announced and not asked for.
  @Test(arguments: [1, 3]) func beginsAgainAfterHalfASchedule(depth: Int) throws {
    let (communicator, source, model) = try open("tiny-llama3", depth: depth, "\(#function) \(depth)")
    let groups = model.blueprint.groups
    for asked in 0..<groups.count {
      try source.begin(groups)
      for group in groups.prefix(asked) { #expect(try Self.isStored(try source.weights(of: group), model)) }
    }
    try source.begin(groups.reversed())
    for group in groups.reversed() { #expect(try Self.isStored(try source.weights(of: group), model)) }
    try communicator.barrier()
  }

  /// Together the ranks hold each tensor once, also where a tied matrix is in two groups.
  @Test(arguments: ["tiny-llama", "tiny-llama-tied"]) func eachRankOwnsItsShare(name: String) throws {
    let (communicator, source, model) = try open(name, depth: 2, "\(#function) \(name)")
    let partition = Partition(ranks: communicator.size)
    let blueprint = model.blueprint
    let owners = blueprint.groups.map { partition.owner(of: $0, in: blueprint) }
    #expect(owners.allSatisfy { (0..<communicator.size).contains($0) })
    for index in blueprint.layers.indices {
      #expect(partition.owner(of: .layer(index), in: blueprint) == index % communicator.size)
    }
    var own: [String: Int] = [:]
    for (group, owner) in zip(blueprint.groups, owners) where owner == communicator.rank {
      for tensor in try model.weights(of: group).all.map(\.value) { own[tensor.name] = tensor.byteCount }
    }
    #expect(source.ownedBytes == own.values.reduce(0, +))
    let everywhere = try communicator.sum(of: Double(source.ownedBytes))
    #expect(Int(everywhere) == model.folder.totalBytes)
  }

  @Test func countsTheBytesThatWereBroadcast() throws {
    let (communicator, source, model) = try open("tiny-llama", depth: 2, #function)
    try source.begin(model.blueprint.groups)
    for group in model.blueprint.groups { _ = try source.weights(of: group) }
    #expect(source.broadcastBytes == (communicator.size == 1 ? 0 : model.folder.totalBytes))
  }

  private func open(
    _ name: String, depth: Int, _ test: String
  ) throws -> (communicator: any Communicator, source: BroadcastLayerSource, model: Model) {
    let communicator = try TestWorld.communicator(test)
    let model = try Model(path: Fixtures.model(name))
    let source = try BroadcastLayerSource(
      model, communicator: try communicator.duplicate(waiting: .sleeping), depth: depth)
    return (communicator, source, model)
  }

  /// Whether a group has all its tensors, with the file's types, shapes and bytes.
  static func isStored(_ weights: GroupWeights, _ model: Model) throws -> Bool {
    let specifications = model.blueprint.tensors(of: weights.group)
    guard weights.all.count == specifications.count else { return false }
    for specification in specifications {
      let (arrived, stored) = (weights[specification.role], try model.tensor(specification))
      guard arrived.name == stored.name, arrived.elementType == stored.elementType, arrived.shape == stored.shape,
        bytes(arrived) == bytes(stored)
      else { return false }
    }
    return true
  }

  private static func bytes(_ tensor: StoredTensor) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
