import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Communication
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// Layers of one shape that the family's own class refuses: 3 heads of width 8 in a hidden width of 32.
@Suite struct NativeObstacleTests {
  static let reason = "3 attention heads do not divide hidden_size (32), as LlamaConfig requires"

  private static func plan(_ blueprint: Blueprint) throws -> PruningPlan {
    try .keeping(
      [.init(attention: [0, 1, 3], mlp: [1, 2]), .init(attention: [0, 1, 2], mlp: [3, 7])], of: blueprint)
  }

  /// What the oracle has to load: such layers, and a model that has them in its own keys, kept whole.
  static func outputs() throws -> [Repacked] {
    // Neither key is in the oldest Llamas' config.json.
    let fallback = try RandomCheckpoint(["num_key_value_heads": nil, "head_dim": nil])
    let broken = try RandomCheckpoint(["num_attention_heads": 3, "num_key_value_heads": 3])
    return try withExtendedLifetime((fallback.folder, broken.folder)) {
      let model = try Model(path: fallback.path)
      return [try Repacked(model, plan(model.blueprint)), try Repacked(Model(path: broken.path), nil)]
    }
  }

  @Test func autoFallsBackAndSaysSo() throws {
    let checkpoint = try RandomCheckpoint(["num_key_value_heads": 4])
    let model = try Model(path: checkpoint.path)
    let plan = try Self.plan(model.blueprint)
    #expect(model.blueprint.keeping(plan).obstacleToNative(model.shape) == .ofFamily(Self.reason))
    let parent = try TemporaryFolder()
    var said: [String] = []
    var hooks = Repacker.Hooks(exitCode: { _ in 70 })
    hooks.say = { said.append($0) }
    let written = try Repacked.write(
      model, plan, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30, communicator: SoloCommunicator(),
      hooks: hooks)
    #expect(written.layout == .perLayer)
    #expect(said == ["layout per-layer, though the layers end with one shape: \(Self.reason)"])
    let configuration = try ModelConfiguration(path: parent.file("out/config.json"))
    // The model's own number stays one that the class takes.
    #expect(configuration["num_attention_heads"] == 4)
    #expect(configuration["per_layer_config"]?["1"]?["num_attention_heads"] == 3)
    #expect(try Model(path: parent.file("out")).blueprint == model.blueprint.keeping(plan))
  }

  @Test func nativeIsRefused() throws {
    let checkpoint = try RandomCheckpoint(["num_key_value_heads": 4])
    let model = try Model(path: checkpoint.path)
    let uneven = try PruningPlan.keeping(
      [.init(attention: [0, 1], mlp: [1]), .init(attention: [0], mlp: [1])], of: model.blueprint)
    #expect(model.blueprint.keeping(uneven).obstacleToNative(model.shape) == .unequalLayers)
    for (plan, reason) in [
      (try Self.plan(model.blueprint), Self.reason), (uneven, NativeObstacle.unequalLayers.description),
    ] {
      let parent = try TemporaryFolder()
      let error = #expect(throws: PeerFailure.self) {
        try Repacked.write(
          model, plan, to: parent.file("out"), layout: .native, maximumShardBytes: 1 << 30,
          communicator: SoloCommunicator())
      }
      #expect(error?.line == "repacking.layout: native: \(reason); write layout per-layer, or auto")
      #expect(parent.names.isEmpty)
    }
  }

  /// A folder that an older release wrote as native: what is made of it has a number of heads that the class takes.
  @Test(arguments: [(3, 3, 4, 4), (3, 1, 4, 4), (6, 3, 8, 4), (12, 4, 16, 16), (16, 8, 16, 8)])
  func ownHeadCountsLoad(heads: Int64, shared: Int64, loadable: Int64, loadableShared: Int64) throws {
    let checkpoint = try RandomCheckpoint([
      "num_attention_heads": .integer(heads), "num_key_value_heads": .integer(shared),
    ])
    let model = try Model(path: checkpoint.path)
    let whole = try Repacked(model, nil)
    let configuration = try ModelConfiguration(path: whole.path + "/config.json")
    #expect(configuration["num_attention_heads"] == .integer(loadable))
    #expect(configuration["num_key_value_heads"] == .integer(loadableShared))
    #expect(whole.result.layout == (heads == loadable ? .native : .perLayer))
    #expect(try Model(path: whole.path).blueprint == model.blueprint)
  }

  @Test(arguments: [
    (4096, 24, false), (4096, 16, true), (128, 6, false), (576, 9, true), (576, 6, true), (576, 7, false),
  ])
  func llamaNeedsHeadsThatDivide(hiddenSize: Int64, heads: Int64, loads: Bool) throws {
    var object = RandomCheckpoint.configuration
    object["hidden_size"] = .integer(hiddenSize)
    object["num_attention_heads"] = .integer(heads)
    object["num_key_value_heads"] = .integer(heads)
    let blueprint = try Llama.blueprint(from: ModelConfiguration(object: object, path: "config.json"))
    let reason = "\(heads) attention heads do not divide hidden_size (\(hiddenSize)), as LlamaConfig requires"
    #expect(Llama.obstacleToNative(blueprint) == (loads ? nil : reason))
  }
}
