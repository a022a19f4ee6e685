internal import Safetensors
internal import Tensors

/// What is wrong with a model folder, its configuration, or the folder to write, in one line.
public struct CheckpointError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of failure, for code that wants to tell them apart.
  public enum Code: Sendable, Equatable {
    /// The model folder does not exist, or is no folder.
    case missingFolder
    /// The folder has no config.json.
    case missingConfiguration
    /// The folder has no weights that Espalier reads.
    case missingWeights
    /// A file cannot be opened, read or written; the message has the system's reason.
    case storage
    /// A safetensors file is damaged.
    case damagedWeights
    /// A JSON file is damaged.
    case invalidJSON
    /// A configuration lacks a key.
    case missingKey
    /// A configuration's value has the wrong type, or cannot be.
    case invalidValue
    /// The index and the shards disagree.
    case inconsistentIndex
    /// The checkpoint has no tensor of that name.
    case missingTensor
    /// A tensor has another shape than the configuration asks for.
    case wrongShape
    /// A tensor that the model has no place for.
    case unexpectedTensor
    /// A tensor of a type that is not computed with.
    case unsupportedType
    /// A number to write is NaN, infinite, or too large for its tensor's type.
    case notFinite
    /// Tensors to write cannot be laid out.
    case invalidLayout
    /// A file of the model changed while it was in use.
    case changed
    /// The folder to write is not empty, or is the model's own.
    case outputExists
    /// The folder to write cannot be made.
    case outputNotWritable
  }

  public let code: Code
  /// One line: the file, the key, tensor or byte offset where there is one, and what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = OneLine.text(message)
  }

  init(_ error: StorageError) { self.init(.storage, error.message) }

  init(_ error: SafetensorsError) {
    self.init([.storage, .notWritten].contains(error.code) ? .storage : .damagedWeights, error.message)
  }

  public var description: String { message }
}
