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
  /// A second copy of a tied matrix is the one thing that is read, whole, and on every rank: two sources of one matrix
  /// must not be told apart by chance, a sample would miss rows that were trained later, and few checkpoints have one. It
  /// costs what reading the embedding twice costs, a second per GB from a disk and a tenth of it from memory.
  ///
  /// - Throws: ``CheckpointError``, one line naming file, key or tensor.
  public init(path: String) throws(CheckpointError) {
    folder = try CheckpointFolder(path: path, checking: Quantization.requireNone)
    architecture = try Catalog.architecture(of: folder.configuration)
    blueprint = try architecture.blueprint(from: folder.configuration)
    try checkTensors()
  }

  /// What may surprise in the folder, one line each.
  public var warnings: [String] { folder.configuration.warnings }

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

  /// The id of the token that ends a text (`eos_token_id`; of several the first); nil where config.json names none. What
  /// generation_config.json says of it is for a chat, which may end elsewhere, and is not read.
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
      guard let tensor = folder.tensor(named: name) else { throw missing(name, specification) }
      // Packed weights have another shape too, so the type tells more.
      guard [.float32, .bfloat16, .float16].contains(tensor.elementType) else { throw wrongType(tensor) }
      guard tensor.shape == Shape(specification.shape) else { throw wrongShape(tensor, specification) }
    }
    let extra = folder.unexpectedTensors(expected: Set(specifications.map(\.name)))
    var unknown: [String] = []
    for name in extra {
      if let original = architecture.original(ofCopy: name, in: blueprint) {
        guard let own = folder.tensor(named: original), folder.tensor(named: name)?.hasSameElements(as: own) == true
        else {
          throw differentCopy(name, of: original)
        }
      } else if !architecture.isSuperfluous(name, in: blueprint) {
        unknown.append(name)
      }
    }
    if !unknown.isEmpty { throw unexpected(unknown) }
  }
}
