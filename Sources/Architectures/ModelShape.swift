public import Blueprints
public import Checkpoints
internal import Foundation
public import Tensors

/// A model's tensors as they are stored, without their bytes: of an opened folder, or of a config.json alone. What memory,
/// traffic and arithmetic of a run depend on is all here.
public struct ModelShape: Sendable {
  public private(set) var blueprint: Blueprint
  /// What may surprise in config.json, one line each.
  public let warnings: [String]
  private let architecture: any Architecture.Type
  /// By name, where they are not all of `commonType`.
  private let elementTypes: [String: ElementType]
  private let commonType: ElementType

  /// The shape that a config.json describes: the file itself, or a folder with it. Weights are neither needed nor read;
  /// they are taken to have the type of `dtype` (or `torch_dtype`, as it was called), and bf16 where none is named.
  ///
  /// - Throws: ``CheckpointError``, one line naming file and key.
  public init(configuration path: String) throws(CheckpointError) {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let file = exists && isFolder.boolValue ? "\(path)/config.json" : path
    guard FileManager.default.fileExists(atPath: file) else {
      if let problem = BrokenLink.problem(at: file) {
        throw CheckpointError(.missingConfiguration, "\(OneLine.text(file)): \(problem)")
      }
      throw CheckpointError(
        .missingConfiguration,
        "\(OneLine.text(file)) is missing; name a model's folder with its config.json, or the file itself")
    }
    let configuration = try ModelConfiguration(path: file)
    try Quantization.requireNone(configuration)
    warnings = configuration.warnings
    architecture = try Catalog.architecture(of: configuration)
    blueprint = try architecture.blueprint(from: configuration)
    let key = configuration["dtype"] == nil ? "torch_dtype" : "dtype"
    let name = try configuration.optionalString(key) ?? "bfloat16"
    if let older = try configuration.optionalString("torch_dtype"), older != name {
      throw configuration.invalid(
        "torch_dtype", "but \"dtype\" is \"\(name)\"; remove the one that the weights do not have")
    }
    guard let type = Self.types[name] else {
      throw configuration.invalid(key, "Espalier reads bfloat16, float16 and float32")
    }
    commonType = type
    elementTypes = [:]
    // Nothing was checked against files: what is counted with later must not overflow.
    let parameters = blueprint.groups.flatMap { blueprint.tensors(of: $0) }.reduce(0.0) { sum, tensor in
      sum + tensor.shape.reduce(1.0) { $0 * Double($1) }
    }
    guard parameters < Self.mostParameters else {
      throw configuration.invalid("hidden_size", "the model would have more than 17 trillion parameters")
    }
  }

  private static let mostParameters = 0x1p44

  init(_ model: Model) {
    (blueprint, architecture) = (model.blueprint, model.architecture)
    warnings = model.warnings
    elementTypes = model.folder.tensors.mapValues(\.elementType)
    commonType = .bfloat16
  }

  private static let types: [String: ElementType] = [
    "bfloat16": .bfloat16, "float16": .float16, "float32": .float32,
  ]

  /// The shape of the model that is left when layers become those of `blueprint`.
  public func with(_ blueprint: Blueprint) -> ModelShape {
    var shape = self
    shape.blueprint = blueprint
    return shape
  }

  /// The checkpoint's name of a tensor; tied ones have one name.
  public func name(of tensor: TensorSpecification) -> String {
    architecture.tensorName(of: tensor.role, in: blueprint)
  }

  /// Why the family's stock class would not load layers of one shape; see ``Architecture/obstacleToNative(_:)``.
  public func obstacleToNative(_ pruned: Blueprint) -> String? { architecture.obstacleToNative(pruned) }

  /// What a tensor's elements are stored as.
  public func elementType(of tensor: TensorSpecification) -> ElementType {
    elementTypes.isEmpty ? commonType : elementTypes[name(of: tensor)] ?? commonType
  }

  /// Bytes of a tensor.
  public func byteCount(of tensor: TensorSpecification) -> Int {
    tensor.shape.reduce(elementType(of: tensor).byteCount, *)
  }

  /// Bytes of a group, a tied output matrix counted with the head.
  public func byteCount(of group: WeightGroup) -> Int {
    blueprint.tensors(of: group).reduce(0) { $0 + byteCount(of: $1) }
  }

  /// Every tensor once: a tied matrix counts for the embedding.
  private var tensors: [TensorSpecification] {
    var seen: Set<String> = []
    return blueprint.groups.flatMap { blueprint.tensors(of: $0) }.filter { seen.insert(name(of: $0)).inserted }
  }

  /// Bytes of the whole model.
  public var byteCount: Int { tensors.reduce(0) { $0 + byteCount(of: $1) } }

  /// How many parameters the model has.
  public var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// Whether every matrix of the layers is stored as bf16, so that it can be multiplied as it is.
  public var isBFloat16: Bool {
    blueprint.layers.indices.allSatisfy { layer in
      blueprint.tensors(of: .layer(layer)).allSatisfy { $0.shape.count != 2 || elementType(of: $0) == .bfloat16 }
    }
  }
}

extension Model {
  /// The model without its bytes.
  public var shape: ModelShape { ModelShape(self) }
}
