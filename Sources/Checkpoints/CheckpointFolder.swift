public import Safetensors
public import Tensors

/// A model folder as Hugging Face's libraries write it: config.json, and weights in safetensors, in one file or in shards
/// with an index. Files may be symbolic links, as in the Hugging Face cache.
///
/// Opening reads configuration, index and headers, and checks them against each other; no weights. Nothing in the folder
/// is executed.
public struct CheckpointFolder: Sendable {
  /// The folder as it was given, without a slash at its end.
  public let path: String
  public let configuration: ModelConfiguration
  /// The weight files, sorted by name.
  public let files: [SafetensorsFile]
  /// The tensors by name.
  public let tensors: [String: StoredTensor]
  /// Bytes of all tensors.
  public let totalBytes: Int

  /// The names of the weight files, in the order of ``files``.
  let fileNames: [String]

  /// Opens and checks a folder.
  ///
  /// `model.safetensors` is preferred to an index where both are there, as transformers does; where its shards are
  /// there too, they have to be a copy.
  ///
  /// - Parameter check: looks at the configuration before weights are opened, and throws where they need not be.
  /// - Throws: ``CheckpointError`` naming the file and what is wrong with it.
  public init(
    path given: String, checking check: (ModelConfiguration) throws(CheckpointError) -> Void = { _ in }
  ) throws(CheckpointError) {
    let path = Self.withoutTrailingSlash(given)
    try Self.requireFolder(path)
    guard try FolderListing.isThere("\(path)/config.json", else: .missingConfiguration) else {
      throw CheckpointError(
        .missingConfiguration, "\(path)/config.json is missing; give the folder of a whole Hugging Face model")
    }
    let configuration = try ModelConfiguration(path: "\(path)/config.json")
    try check(configuration)
    let (fileNames, weightMap) = try Self.weightFiles(path)
    var files = [SafetensorsFile]()
    var tensors = [String: StoredTensor]()
    for fileName in fileNames {
      guard try FolderListing.isThere("\(path)/\(fileName)", else: .missingWeights) else {
        throw CheckpointError(
          .missingWeights,
          "\(path)/\(OneLine.text(fileName)) is missing, but \(Self.indexName) names it; get this file too")
      }
      do throws(SafetensorsError) {
        let file = try SafetensorsFile(path: "\(path)/\(fileName)")
        for name in file.names { tensors[name] = try file.tensor(name) }
        files.append(file)
      } catch {
        throw CheckpointError(error)
      }
    }
    if let weightMap { try Self.check(weightMap, against: files, fileNames, index: "\(path)/\(Self.indexName)") }
    self.path = path
    self.configuration = configuration
    self.files = files
    self.fileNames = fileNames
    self.tensors = tensors
    self.totalBytes = tensors.values.reduce(0) { $0 + $1.byteCount }
  }

  static let singleFileName = "model.safetensors"
  package static let indexName = "model.safetensors.index.json"

  /// The tensors' names, sorted.
  public var tensorNames: [String] { tensors.keys.sorted() }

  /// The tensor of that name, nil where there is none.
  public func tensor(named name: String) -> StoredTensor? { tensors[name] }

  /// The tensor of that name and shape.
  ///
  /// - Throws: ``CheckpointError`` when it is missing, or has another shape, or a type that is not computed with.
  public func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> StoredTensor {
    guard let tensor = tensors[name] else {
      throw CheckpointError(
        .missingTensor,
        "\(path): tensor \(OneLine.quoted(name)) of shape \(Shape(shape)) is missing; check that config.json belongs to "
          + "these weights")
    }
    guard tensor.shape == Shape(shape) else {
      throw CheckpointError(
        .wrongShape,
        "\(tensor.path ?? path): tensor \(OneLine.quoted(name)) has shape \(tensor.shape), but config.json asks for "
          + "\(Shape(shape)); check that they belong to the same model")
    }
    return tensor
  }

  /// The names of tensors that are not in `expected`, sorted.
  public func unexpectedTensors(expected: Set<String>) -> [String] {
    tensors.keys.filter { !expected.contains($0) }.sorted()
  }

  static func withoutTrailingSlash(_ path: String) -> String {
    var path = Substring(path)
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }
}
