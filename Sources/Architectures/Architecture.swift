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

  /// Whether a tensor that the blueprint has no role for may be left out: a buffer that old releases saved, or a second
  /// copy of a tied matrix.
  static func isSuperfluous(_ tensorName: String, in blueprint: Blueprint) -> Bool

  /// Why the family's stock class would not load layers of this shape, as a clause that ends a sentence, such as "6 attention
  /// heads do not divide hidden_size (128), as LlamaConfig requires"; nil where it does. What the class checks beyond what a
  /// blueprint can say belongs here, so that a run is refused before it begins, or takes the other layout.
  ///
  /// - Parameter pruned: of layers of one shape that all have attention and MLP.
  static func obstacleToNative(_ pruned: Blueprint) -> String?

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
