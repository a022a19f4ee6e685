public import Blueprints
public import Checkpoints
public import Tensors

/// A checkpoint folder whose tensors are known to be those of its blueprint.
public struct Model: Sendable {
  public let folder: CheckpointFolder
  public internal(set) var blueprint: Blueprint
  public let architecture: any Architecture.Type

  /// Opens a folder: reads its config.json, maps its weights (without reading them) and checks that every tensor is there
  /// with its shape and a floating-point type, and that there is none too many.
  ///
  /// - Throws: ``CheckpointError``, one line naming file, key or tensor.
  public init(path: String) throws(CheckpointError) {
    folder = try CheckpointFolder(path: path)
    architecture = try Catalog.architecture(of: folder.configuration)
    blueprint = try architecture.blueprint(from: folder.configuration)
    try checkTensors()
  }

  /// The stored tensor in a role.
  ///
  /// - Throws: ``CheckpointError`` for a role that the blueprint does not have.
  public func tensor(_ specification: TensorSpecification) throws(CheckpointError) -> StoredTensor {
    try folder.tensor(
      architecture.tensorName(of: specification.role, in: blueprint), shape: specification.shape)
  }

  /// The checkpoint's name of a tensor.
  public func name(of role: TensorRole) -> String { architecture.tensorName(of: role, in: blueprint) }

  /// Every tensor's specification by name, each name once: a tied matrix counts for the embedding.
  public var specifications: [(name: String, specification: TensorSpecification)] {
    var seen: Set<String> = []
    return blueprint.groups.flatMap { blueprint.tensors(of: $0) }.compactMap { specification in
      let name = name(of: specification.role)
      return seen.insert(name).inserted ? (name, specification) : nil
    }
  }

  /// The id of the token that ends a text (`eos_token_id`; of several the first); nil where config.json names none.
  ///
  /// - Throws: ``CheckpointError`` when it is no token of the vocabulary.
  public func endOfText() throws(CheckpointError) -> Int32? {
    let key = "eos_token_id"
    guard let value = folder.configuration[key] else { return nil }
    guard let id = value.arrayValue.map({ $0.first?.integerValue }) ?? value.integerValue,
      let result = Int32(exactly: id), (0..<blueprint.vocabularySize).contains(id)
    else {
      throw folder.configuration.invalid(
        key, "it must be a token below the vocabulary's size of \(blueprint.vocabularySize), or a list of them")
    }
    return result
  }

  /// How many parameters the model has.
  public var parameterCount: Int {
    specifications.reduce(0) { $0 + $1.specification.shape.reduce(1, *) }
  }

  private func checkTensors() throws(CheckpointError) {
    let specifications = specifications
    for (name, specification) in specifications {
      let tensor = try folder.tensor(name, shape: specification.shape)
      guard [.float32, .bfloat16, .float16].contains(tensor.elementType) else {
        throw CheckpointError(
          .unsupportedType,
          "\(tensor.path ?? folder.path): tensor \(OneLine.quoted(name)) has type "
            + "\(tensor.elementType.safetensorsName); Espalier reads F32, BF16 and F16, so convert the checkpoint to one of "
            + "them")
      }
    }
    let extra = folder.unexpectedTensors(expected: Set(specifications.map(\.name)))
      .filter { !architecture.isSuperfluous($0, in: blueprint) }
    if let first = extra.first {
      let more = extra.count == 1 ? "" : " (and \(extra.count - 1) more)"
      throw CheckpointError(
        .unexpectedTensor,
        "\(folder.tensor(named: first)?.path ?? folder.path): tensor \(OneLine.quoted(first))\(more) is not part of "
          + "a \(blueprint.modelType) model of this config.json; check that weights and config.json belong together")
    }
  }
}
