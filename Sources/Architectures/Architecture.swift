public import Blueprints
public import Checkpoints

/// One family of models: how its config.json and its tensor names spell a blueprint, and how a pruned one is spelled back.
///
/// A new family is a folder beside `Llama/` with one type that conforms, a line in Catalog.swift, and a fixture; see
/// docs/architectures.md. These folders are the only place where checkpoint keys are spelled.
public protocol Architecture: Sendable {
  /// The `model_type`s of config.json that it reads.
  static var modelTypes: [String] { get }

  /// What config.json describes, `per_layer_config` included.
  ///
  /// - Throws: ``CheckpointError`` naming the key that is missing, has another type, or has a value that is not computed.
  static func blueprint(from configuration: ModelConfiguration) throws(CheckpointError) -> Blueprint

  /// The checkpoint's name of a tensor. Tied tensors have one name in two roles.
  static func tensorName(of role: TensorRole, in blueprint: Blueprint) -> String

  /// Whether a tensor that the blueprint has no role for may be left out, such as a buffer that old releases saved.
  static func isSuperfluous(_ tensorName: String, in blueprint: Blueprint) -> Bool

  /// Why the family's stock class would not load layers of this shape, as a clause that ends a sentence, such as "6 attention
  /// heads do not divide hidden_size (128), as LlamaConfig requires"; nil where it does. What the class checks beyond what a
  /// blueprint can say belongs here, so that a run is refused before it begins, or takes the other layout.
  ///
  /// - Parameter pruned: of layers of one shape that all have attention and MLP.
  static func obstacleToNative(_ pruned: Blueprint) -> String?

  /// The tensor that one without a role has to be a copy of, as an output matrix that was saved although it is tied; nil
  /// for any other.
  static func original(ofCopy tensorName: String, in blueprint: Blueprint) -> String?

  /// The keys of config.json that a tensor's shape follows from.
  static func keys(shaping role: TensorRole) -> [String]

  /// What to change in config.json, which these words are followed by, where weights lack a tensor that it asks for; nil
  /// where no single key would explain it.
  ///
  /// - Parameter names: of all tensors that are there.
  static func remedy(forMissing tensorName: String, of blueprint: Blueprint, in names: Set<String>) -> String?

  /// The same, where weights have a tensor that config.json does not ask for.
  static func remedy(forUnexpected tensorName: String, of blueprint: Blueprint, in names: Set<String>) -> String?

  /// config.json of a pruned model.
  ///
  /// - Parameters:
  ///   - pruned: where `layout` is `.native`, of layers of one shape that all have attention and MLP, and without an
  ///     ``obstacleToNative(_:)``.
  ///   - original: the unpruned model's, whose other keys stay as they are; see ``ModelConfiguration/carriedOver()``.
  static func configuration(
    of pruned: Blueprint, from original: ModelConfiguration, layout: CheckpointLayout
  ) -> JSONValue

  /// The Python files that a checkpoint of layout `.perLayer` needs beside its config.json.
  static var remoteCode: [RemoteCodeFile] { get }
}

/// How a pruned checkpoint tells its loader the widths of its layers.
public enum CheckpointLayout: String, Sendable {
  /// `per_layer_config`, read by our remote code, for layers of different widths.
  case perLayer = "per-layer"
  /// The family's own keys, for layers of one width: loads everywhere without remote code.
  case native
}

/// A Python file to be written into a checkpoint.
public struct RemoteCodeFile: Sendable {
  public let name: String
  public let contents: [UInt8]

  public init(name: String, contents: [UInt8]) {
    self.name = name
    self.contents = contents
  }
}
