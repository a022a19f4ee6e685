public import Architectures
internal import Blueprints
public import Checkpoints
internal import Foundation
public import Safetensors
public import Tensors
public import TestSupport

/// A tiny random Llama in a temporary folder: two layers of width 32, 4 query and 2 key-value heads of width 8, 24
/// neurons, 64 tokens, with biases on every projection.
public struct RandomCheckpoint: Sendable {
  public let folder: TemporaryFolder
  public var path: String { folder.path }

  /// The keys of its config.json.
  public static let configuration: [String: JSONValue] = [
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 24, "vocab_size": 64,
    "hidden_act": "silu", "rms_norm_eps": 1e-5, "attention_bias": true, "mlp_bias": true,
    "tie_word_embeddings": false, "max_position_embeddings": 64, "rope_theta": 10000.0, "torch_dtype": "float32",
    "bos_token_id": 1, "eos_token_id": 2,
  ]

  /// - Parameters:
  ///   - changes: keys of config.json that differ.
  ///   - edit: changes the list of tensors that the configuration asks for, so that a checkpoint can be wrong. Tensors of
  ///     a type that is no floating-point type are zero.
  public init(
    _ changes: [String: JSONValue] = [:], elementType: ElementType = .float32, seed: UInt64 = 1,
    editing edit: (inout [TensorEntry]) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    let object = Self.configuration.merging(changes) { $1 }
    try folder.write(JSONValue.object(object).prettyText, to: "config.json")
    try folder.write("{}", to: "generation_config.json")
    let blueprint = try Llama.blueprint(from: ModelConfiguration(object: object, path: "config.json"))
    var entries: [TensorEntry] = []
    for group in blueprint.groups {
      for tensor in blueprint.tensors(of: group) {
        let name = Llama.tensorName(of: tensor.role, in: blueprint)
        if entries.contains(where: { $0.name == name }) { continue }
        entries.append(TensorEntry(name: name, elementType: elementType, shape: Shape(tensor.shape)))
      }
    }
    edit(&entries)
    var generator = SeededGenerator(seed: seed)
    var writer = try SafetensorsWriter(
      path: folder.file("model.safetensors"), entries: entries, metadata: ["format": "pt"])
    for entry in entries { try writer.append(Self.tensor(entry, &generator)) }
    try writer.finish()
  }

  /// Writes the weights again, changed.
  public func rewrite(_ change: (inout [StoredTensor]) throws -> Void) throws {
    try WeightFile.rewrite(folder.file("model.safetensors"), change)
  }

  /// Such a checkpoint as a model, which needs its folder no longer: mapped files outlive their names.
  public static func model(_ changes: [String: JSONValue] = [:], seed: UInt64 = 1) throws -> Model {
    let checkpoint = try RandomCheckpoint(changes, seed: seed)
    return try withExtendedLifetime(checkpoint.folder) { try Model(path: checkpoint.path) }
  }

  /// One such model whose folder stays until the process exits, for tests that read more of it than weights.
  public static var shared: Model {
    get throws { try Model(path: try sharedCheckpoint.get().path) }
  }

  private static let sharedCheckpoint: Result<RandomCheckpoint, any Error> = Result {
    let checkpoint = try RandomCheckpoint()
    atexit {
      if let path = try? RandomCheckpoint.sharedCheckpoint.get().path {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    return checkpoint
  }

  /// Norm weights near 1, biases and matrices spread so that activations stay near 1.
  private static func tensor(_ entry: TensorEntry, _ generator: inout SeededGenerator) throws -> StoredTensor {
    let count = entry.shape.elementCount ?? 0
    guard entry.elementType.convertsToFloat else {
      return try StoredTensor(
        name: entry.name, elementType: entry.elementType, shape: entry.shape,
        bytes: Array(repeating: 0, count: count * entry.elementType.byteCount))
    }
    let isNorm = entry.name.contains("norm")
    let spread: Float = entry.shape.rank == 1 ? 0.3 : 2 / Float(entry.shape.dimensions.last ?? 1).squareRoot()
    let values = (0..<count).map { _ in (isNorm ? 1 : 0) + Float.random(in: -spread...spread, using: &generator) }
    return try StoredTensor(
      name: entry.name, elementType: entry.elementType, shape: entry.shape, values: values)
  }
}
