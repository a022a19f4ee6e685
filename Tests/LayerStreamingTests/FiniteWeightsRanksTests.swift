import Architectures
import Blueprints
import Checkpoints
import Communication
import LayerStreaming
import MPITestSupport
import ModelTestSupport
import TestSupport
import Testing
import Tensors
import Transformers

/// Weights that are no numbers are found where they are read, and named. Collective: see ``TestWorld``.
@Suite(.serialized) struct FiniteWeightsRanksTests {
  /// A model with one number changed, in every group and in vectors as in matrices.
  static let faults: [(tensor: String, index: [Int], group: WeightGroup)] = [
    ("model.embed_tokens.weight", [63, 31], .embedding), ("model.layers.0.input_layernorm.weight", [5], .layer(0)),
    ("model.layers.1.self_attn.k_proj.bias", [15], .layer(1)),
    ("model.layers.1.mlp.up_proj.weight", [17, 5], .layer(1)),
    ("model.layers.2.self_attn.o_proj.weight", [0, 0], .layer(2)), ("model.norm.weight", [31], .head),
    ("lm_head.weight", [1, 2], .head),
  ]

  @Test(arguments: faults.indices, [ElementType.float32, .bfloat16, .float16])
  func mappedWeights(number: Int, type: ElementType) throws {
    let communicator = try TestWorld.communicator("\(#function) \(number) \(type)")
    let fault = Self.faults[number]
    let (model, file) = try Self.model(type, [(fault.tensor, fault.index, .nan)])
    let source = MappedLayerSource(model)
    source.begin(model.blueprint.groups)
    for group in model.blueprint.groups {
      guard group == fault.group else {
        #expect(throws: Never.self) { try source.weights(of: group) }
        continue
      }
      let error = #expect(throws: StorageError.self) { try source.weights(of: group) }
      #expect(error?.message.hasPrefix("\(file): tensor \"\(fault.tensor)\": element \(fault.index) is NaN; ") == true)
      break
    }
    try communicator.barrier()
  }

  /// The owner alone finds it, before anything is sent; of several ranks' faults the first in the model is told of.
  @Test(arguments: faults.indices) func broadcastWeights(number: Int) throws {
    let communicator = try TestWorld.communicator("\(#function) \(number)")
    let fault = Self.faults[number]
    // A second one behind it, which another rank owns.
    let second = ("lm_head.weight", [1, 2], Float.infinity)
    let changes = [(fault.tensor, fault.index, -Float.infinity)] + (fault.group == .head ? [] : [second])
    let (model, _) = try Self.model(.bfloat16, changes)
    let failure = #expect(throws: PeerFailure.self) {
      try communicator.together(isCommon: { ($0 as? StorageError)?.code == .notFinite }) {
        try BroadcastLayerSource(model, communicator: try communicator.duplicate(waiting: .sleeping))
      }
    }
    let owner = Partition(ranks: communicator.size).owner(of: fault.group, in: model.blueprint)
    #expect(failure?.failedRanks == [owner])
    #expect(
      failure?.description.contains(": tensor \"\(fault.tensor)\": element \(fault.index) is -infinity; ") == true)
    #expect(failure?.description.hasPrefix("rank") == false)
  }

  /// Each tensor is looked at once in a run, however many passes and stages ask for it, and ranks agree once a group.
  @Test func onceInARun() throws {
    let communicator = try TestWorld.communicator()
    let model = try RandomCheckpoint.shared
    var agreements = 0
    let check = WeightCheck { body in
      agreements += 1
      try communicator.together { try body() }
    }
    let groups = model.blueprint.groups
    for _ in 0..<2 {
      let source = MappedLayerSource(model, check: check)
      for _ in 0..<2 {
        source.begin(groups)
        for group in groups { _ = try source.weights(of: group) }
      }
    }
    #expect(agreements == groups.count)
  }

  /// A checkpoint of three layers, of the same bytes on every rank, each in its own folder; mapped files outlive it.
  private static func model(
    _ type: ElementType, _ changes: [(tensor: String, index: [Int], value: Float)]
  ) throws -> (model: Model, file: String) {
    let checkpoint = try RandomCheckpoint(["num_hidden_layers": 3], elementType: type)
    let file = "\(checkpoint.path)/model.safetensors"
    var bytes = try TemporaryFolder.bytes(of: file)
    for change in changes { bytes = try Poison.changed(bytes, change.tensor, change.index, to: change.value) }
    try checkpoint.folder.write(bytes, to: "model.safetensors")
    return (try Model(path: checkpoint.path), file)
  }
}
