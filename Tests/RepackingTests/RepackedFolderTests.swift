internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import ModelTestSupport
import Repacking
import Safetensors
import TestSupport
import Testing

/// What a repacked folder holds.
@Suite struct RepackedFolderTests {
  static let remoteCode = ["configuration_espalier_llama.py", "modeling_espalier_llama.py"]

  @Test(arguments: MaskedLogitsTests.models) func untouchedTensorsAreTheSameBytes(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let repacked = try Repacked(model, try PruningPlan.random(for: model.blueprint, seed: 3))
    let pruned = try Model(path: repacked.path)
    var untouched = 0
    for (name, specification) in pruned.specifications {
      let (new, old) = (try pruned.tensor(specification), try #require(model.folder.tensor(named: name)))
      #expect(new.elementType == old.elementType)
      guard new.shape == old.shape else { continue }
      // A tensor that kept its shape lost no unit.
      #expect(Self.bytes(new) == Self.bytes(old), "\(name)")
      untouched += 1
    }
    #expect(untouched >= 2 * model.blueprint.layers.count + 2)
    #expect(!pruned.specifications.contains { $0.name == "lm_head.weight" } == model.blueprint.head.isTied)
  }

  /// Kept units' numbers are the dense model's, in order: rows of queries, columns of down.
  @Test func keptUnitsAreCopiedInOrder() throws {
    let model = try RandomCheckpoint.shared
    let plan = try PruningPlan.keeping(
      [.init(attention: [1], mlp: [0, 1, 5, 23]), .init(attention: [0, 1], mlp: [7])], of: model.blueprint)
    let repacked = try Repacked(model, plan)
    func floats(_ folder: CheckpointFolder, _ name: String) throws -> [Float] {
      try #require(folder.tensor(named: "model.layers.0.\(name)")).floats()
    }
    let pruned = try CheckpointFolder(path: repacked.path)
    let query = try floats(model.folder, "self_attn.q_proj.weight")
    #expect(try floats(pruned, "self_attn.q_proj.weight") == Array(query[16 * 32..<32 * 32]))
    let keyBias = try floats(model.folder, "self_attn.k_proj.bias")
    #expect(try floats(pruned, "self_attn.k_proj.bias") == Array(keyBias[8..<16]))
    let down = try floats(model.folder, "mlp.down_proj.weight")
    let columns = (0..<32).flatMap { row in [0, 1, 5, 23].map { down[row * 24 + $0] } }
    #expect(try floats(pruned, "mlp.down_proj.weight") == columns)
    let upBias = try floats(model.folder, "mlp.up_proj.bias")
    #expect(try floats(pruned, "mlp.up_proj.bias") == [0, 1, 5, 23].map { upBias[$0] })
    #expect(try floats(pruned, "mlp.down_proj.bias") == floats(model.folder, "mlp.down_proj.bias"))
  }

  @Test func shardsStayBelowTheirLimit() throws {
    let model = try MaskedLogitsTests.model("tiny-llama")
    let plan = try PruningPlan.random(for: model.blueprint, seed: 3)
    let whole = try Repacked(model, plan)
    let limit = 100_000
    let sharded = try Repacked(model, plan, maximumShardBytes: limit)
    let folder = try CheckpointFolder(path: sharded.path)
    #expect(folder.files.count > 2)
    #expect(folder.totalBytes == whole.result.byteCount)
    for file in folder.files {
      let bytes = file.fileByteCount - file.headerByteCount
      #expect(bytes <= limit || file.names.count == 1)
      #expect(file.metadata == ["format": "pt"])
    }
    #expect(sharded.names.contains("model.safetensors.index.json"))
    #expect(!whole.names.contains("model.safetensors.index.json"))
    let one = try CheckpointFolder(path: whole.path)
    #expect(one.tensorNames == folder.tensorNames)
    for name in one.tensorNames {
      let (a, b) = (try #require(one.tensor(named: name)), try #require(folder.tensor(named: name)))
      #expect(Self.bytes(a) == Self.bytes(b))
    }
  }

  @Test(arguments: [CheckpointLayout.perLayer, .native]) func configurationAndFilesBeside(layout: CheckpointLayout)
    throws
  {
    let checkpoint = try RandomCheckpoint()
    try checkpoint.folder.write("tokens", to: "tokenizer.json")
    try checkpoint.folder.write("old code", to: Self.remoteCode[1])
    try checkpoint.folder.write("card", to: "README.md")
    let model = try Model(path: checkpoint.path)
    let plan = try PruningPlan.random(for: model.blueprint, seed: 5, isUniform: true)
    let repacked = try Repacked(model, plan, layout: layout)
    let beside = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
    let code = layout == .perLayer ? Self.remoteCode : []
    #expect(repacked.names == (beside + code).sorted())
    #expect(try repacked.bytes("tokenizer.json") == Array("tokens".utf8))
    if layout == .perLayer {
      #expect(try repacked.bytes(Self.remoteCode[1]) == Llama.remoteCode[1].contents)
    }
    let configuration = try ModelConfiguration(path: repacked.path + "/config.json")
    #expect(
      configuration["pruned_by"]
        == ["espalier": "1.2.3", "plan": "feed", "sparsity": .number(plan.achievedSparsity)])
    #expect((configuration["per_layer_config"] != nil) == (layout == .perLayer))
  }

  @Test func uniformPlansAreNativeUnlessAskedOtherwise() throws {
    let model = try RandomCheckpoint.shared
    let uniform = try PruningPlan.random(for: model.blueprint, seed: 5, isUniform: true)
    #expect(try Repacked(model, uniform).result.layout == .native)
    let uneven = try PruningPlan.keeping(
      [.init(attention: [0], mlp: [1]), .init(attention: [0, 1], mlp: [1])], of: model.blueprint)
    #expect(try Repacked(model, uneven).result.layout == .perLayer)
  }

  private static func bytes(_ tensor: StoredTensor) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
