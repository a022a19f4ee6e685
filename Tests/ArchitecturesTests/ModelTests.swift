import Architectures
import Blueprints
import Checkpoints
import ModelTestSupport
import Safetensors
import Tensors
import TestSupport
import Testing

/// Weights and config.json that belong together, or do not.
@Suite struct ModelTests {
  @Test(arguments: LlamaBlueprintTests.models) func opensEveryTinyModel(name: String) throws {
    let model = try Model(path: Fixtures.model(name))
    let inFolder = try CheckpointFolder(path: Fixtures.model(name))
    #expect(Set(model.specifications.map(\.name)) == Set(inFolder.tensorNames))
    #expect(model.parameterCount == inFolder.tensors.values.reduce(0) { $0 + $1.elementCount })
  }

  @Test(arguments: [true, false], [true, false]) func biasesAreRead(attention: Bool, mlp: Bool) throws {
    let checkpoint = try RandomCheckpoint(["attention_bias": .bool(attention), "mlp_bias": .bool(mlp)])
    let model = try Model(path: checkpoint.path)
    let biases = model.specifications.filter { $0.name.hasSuffix(".bias") }
    #expect(biases.count == 2 * ((attention ? 4 : 0) + (mlp ? 3 : 0)))
    for (name, specification) in biases {
      #expect(try model.tensor(specification).name == name)
    }
  }

  @Test(
    arguments: [
      (JSONValue.integer(2), Int32(2)), (.array([.integer(7), .integer(2)]), 7), (.null, nil), (.integer(0), 0),
    ] as [(JSONValue, Int32?)])
  func endOfText(value: JSONValue, id: Int32?) throws {
    let checkpoint = try RandomCheckpoint(["eos_token_id": value])
    #expect(try Model(path: checkpoint.path).endOfText() == id)
  }

  @Test(arguments: [
    JSONValue.integer(-1), .integer(100000000), .number(1e30), .array([]), .string("a"),
    .array([.string("a")]), .bool(true),
  ])
  func endsOfTextThatAreNone(value: JSONValue) throws {
    let checkpoint = try RandomCheckpoint(["eos_token_id": value])
    let model = try Model(path: checkpoint.path)
    let error = #expect(throws: CheckpointError.self) { try model.endOfText() }
    #expect(error?.code == .invalidValue && error?.message.contains("\"eos_token_id\"") == true)
  }

  @Test func aMissingTensorIsNamed() throws {
    let checkpoint = try RandomCheckpoint { $0.removeAll { $0.name == "model.layers.1.mlp.up_proj.weight" } }
    let error = #expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }
    #expect(error?.code == .missingTensor)
    #expect(
      error?.message
        == "\(checkpoint.path): tensor \"model.layers.1.mlp.up_proj.weight\" of shape [24, 32] is missing; get the "
        + "config.json of these weights, or the weights of this config.json")
  }

  @Test func anExtraTensorIsNamed() throws {
    let extra = TensorEntry(name: "model.layers.2.input_layernorm.weight", elementType: .float32, shape: [32])
    let checkpoint = try RandomCheckpoint { $0.append(extra) }
    let error = #expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }
    #expect(error?.code == .unexpectedTensor)
    #expect(
      error?.message
        == "\(checkpoint.path)/model.safetensors: tensor \"model.layers.2.input_layernorm.weight\" is not part of a llama "
        + "model of this config.json; the weights have layers 0 to 2: if these are all, set \"num_hidden_layers\": 3 in "
        + "config.json")
  }

  @Test func biasesThatTheConfigurationDoesNotNameAreRefused() throws {
    let checkpoint = try RandomCheckpoint()
    try checkpoint.folder.write(
      JSONValue.object(RandomCheckpoint.configuration.merging(["mlp_bias": false]) { $1 }).prettyText,
      to: "config.json")
    let error = #expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }
    #expect(error?.message.contains("tensor \"model.layers.0.mlp.down_proj.bias\" (and 5 more) is not part") == true)
  }

  @Test func aWrongShapeIsNamed() throws {
    let checkpoint = try RandomCheckpoint { entries in
      entries = entries.map {
        $0.name == "lm_head.weight" ? TensorEntry(name: $0.name, elementType: .float32, shape: [32, 64]) : $0
      }
    }
    let error = #expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }
    #expect(error?.code == .wrongShape)
    #expect(
      error?.message
        == "\(checkpoint.path)/model.safetensors: tensor \"lm_head.weight\" has shape [32, 64], but config.json asks for "
        + "[64, 32]; correct \"vocab_size\" or \"hidden_size\" there, or give the config.json of these weights")
  }

  @Test(arguments: [ElementType.int32, .uint8, .int8, .float64]) func aTypeThatIsNotReadIsNamed(type: ElementType)
    throws
  {
    let checkpoint = try RandomCheckpoint { entries in
      entries = entries.map {
        $0.name == "model.norm.weight" ? TensorEntry(name: $0.name, elementType: type, shape: $0.shape) : $0
      }
      // Wider types go first, so that nothing lies misaligned.
      entries.sort { $0.elementType.byteCount > $1.elementType.byteCount }
    }
    let error = #expect(throws: CheckpointError.self) { try Model(path: checkpoint.path) }
    #expect(error?.code == .unsupportedType)
    #expect(
      error?.message
        == "\(checkpoint.path)/model.safetensors: tensor \"model.norm.weight\" has type \(type.safetensorsName); Espalier "
        + "reads F32, BF16 and F16, so convert the checkpoint to one of them")
  }

  @Test(arguments: [ElementType.float32, .bfloat16, .float16]) func floatTypesAreRead(type: ElementType) throws {
    let checkpoint = try RandomCheckpoint(elementType: type)
    #expect(try Model(path: checkpoint.path).parameterCount > 0)
  }

  /// A second copy of a tied matrix, and the rotary buffers of old releases, are passed over.
  @Test func superfluousTensorsAreAllowed() throws {
    let extra = [
      TensorEntry(name: "lm_head.weight", elementType: .float32, shape: [64, 32]),
      TensorEntry(name: "model.layers.0.self_attn.rotary_emb.inv_freq", elementType: .float32, shape: [4]),
    ]
    let checkpoint = try RandomCheckpoint(["tie_word_embeddings": true]) { $0 += extra[1...] }
    try checkpoint.rewrite { tensors in
      let embedding = try #require(tensors.first { $0.name == "model.embed_tokens.weight" })
      tensors.append(embedding.renamed("lm_head.weight"))
    }
    let model = try Model(path: checkpoint.path)
    #expect(model.blueprint.head.isTied)
    let names = model.specifications.map(\.name)
    #expect(Set(names).isDisjoint(with: extra.map(\.name)))
    #expect(model.name(of: TensorRole(.head, .headWeight)) == "model.embed_tokens.weight")
  }

  @Test func aTensorOfNoRoleIsRefused() throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let absent = TensorSpecification(TensorRole(.layer(99), .queryWeight), shape: [64, 64])
    let error = #expect(throws: CheckpointError.self) { try model.tensor(absent) }
    #expect(error?.code == .missingTensor)
  }
}
