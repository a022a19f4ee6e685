import Architectures
import Artifacts
import Blueprints
import Communication
import ModelTestSupport
import Repacking
import Tensors
import TestSupport
import Testing

/// What is written is finite: numbers that are none are named while they are copied; what is cut away does not matter.
@Suite struct FiniteWeightsTests {
  /// Layer 0 keeps head 1 and neurons 2…23, layer 1 both heads and neuron 3.
  private static func plan(_ model: Model) throws -> PruningPlan {
    try PruningPlan.keeping(
      [.init(attention: [1], mlp: Array(2..<24)), .init(attention: [0, 1], mlp: [3])], of: model.blueprint)
  }

  private static func checkpoint(
    _ tensor: String, _ index: [Int], _ value: Float, type: ElementType = .bfloat16
  ) throws -> RandomCheckpoint {
    let checkpoint = try RandomCheckpoint(elementType: type)
    let file = try checkpoint.folder.read("model.safetensors")
    try checkpoint.folder.write(try Poison.changed(file, tensor, index, to: value), to: "model.safetensors")
    return checkpoint
  }

  static let kept: [(tensor: String, index: [Int])] = [
    ("model.embed_tokens.weight", [63, 31]), ("lm_head.weight", [0, 0]), ("model.norm.weight", [7]),
    ("model.layers.1.post_attention_layernorm.weight", [31]), ("model.layers.1.mlp.down_proj.bias", [4]),
    // Of a head's rows, its columns, and its bias.
    ("model.layers.0.self_attn.q_proj.weight", [16, 3]), ("model.layers.0.self_attn.q_proj.weight", [31, 31]),
    ("model.layers.0.self_attn.v_proj.bias", [8]), ("model.layers.0.self_attn.o_proj.weight", [30, 17]),
    // Of a neuron's.
    ("model.layers.0.mlp.up_proj.weight", [17, 5]), ("model.layers.0.mlp.down_proj.weight", [9, 23]),
    ("model.layers.1.mlp.down_proj.weight", [31, 3]), ("model.layers.1.mlp.gate_proj.bias", [3]),
  ]

  @Test(arguments: kept, [ElementType.float32, .bfloat16, .float16])
  func aKeptNumberIsNamed(place: (tensor: String, index: [Int]), type: ElementType) throws {
    for (value, text) in [(Float.nan, "NaN"), (-.infinity, "-infinity")] {
      let checkpoint = try Self.checkpoint(place.tensor, place.index, value, type: type)
      let model = try Model(path: checkpoint.path)
      for plan in [try Self.plan(model), nil] {
        let parent = try TemporaryFolder()
        let failure = #expect(throws: PeerFailure.self) {
          try Repacked.write(
            model, plan, to: parent.file("out"), layout: nil, maximumShardBytes: 4096,
            communicator: SoloCommunicator())
        }
        #expect(
          failure?.line
            == "\(checkpoint.path)/model.safetensors: tensor \"\(place.tensor)\": element \(place.index) is \(text); get "
            + "the file again, or use a checkpoint whose weights are all finite numbers")
        #expect(parent.names.isEmpty)
      }
    }
  }

  /// Cut away, it leaves the same files as a number would.
  @Test(arguments: [
    ("model.layers.0.self_attn.q_proj.weight", [15, 3]), ("model.layers.0.self_attn.k_proj.bias", [7]),
    ("model.layers.0.self_attn.o_proj.weight", [30, 15]), ("model.layers.0.mlp.up_proj.weight", [1, 5]),
    ("model.layers.1.mlp.down_proj.weight", [31, 4]), ("model.layers.1.mlp.gate_proj.bias", [23]),
  ])
  func whatIsCutAwayDoesNotMatter(tensor: String, index: [Int]) throws {
    let files = try [Float.nan, 0].map { value in
      let checkpoint = try Self.checkpoint(tensor, index, value)
      let model = try Model(path: checkpoint.path)
      let repacked = try Repacked(model, try Self.plan(model))
      return try repacked.names.map { try repacked.bytes($0) }
    }
    #expect(files[0] == files[1] && files[0].count > 2)
  }

  /// A number that was none before an edit is the model's fault, not the training's; cut away it does not matter.
  @Test func beforeAnEdit() throws {
    let down = TensorRole(.layer(0), sublayer: 1, .downWeight)
    let update = LowRankUpdate(
      rank: 1, a: Array(repeating: 0.1, count: 24), b: Array(repeating: 1, count: 32), scale: 1)
    for (index, isKept) in [([9, 23], true), ([0, 2], true), ([31, 0], false)] {
      let checkpoint = try Self.checkpoint("model.layers.0.mlp.down_proj.weight", index, .infinity)
      let model = try Model(path: checkpoint.path)
      let plan = try Self.plan(model)
      let edits = TensorEdits(factors: model.blueprint.mask(plan), lowRank: [down: update])
      let parent = try TemporaryFolder()
      func write() throws {
        _ = try Repacked.write(
          model, plan, edits: edits, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30,
          communicator: SoloCommunicator())
      }
      guard isKept else {
        #expect(throws: Never.self) { try write() }
        continue
      }
      let failure = #expect(throws: PeerFailure.self) { try write() }
      #expect(
        failure?.line.contains("\"model.layers.0.mlp.down_proj.weight\": element \(index) is infinity; get") == true)
    }
  }
}
