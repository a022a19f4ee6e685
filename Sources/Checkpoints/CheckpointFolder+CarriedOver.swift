internal import Tensors

/// What a model that is written anew has from the folder of the one it was made of, beside weights and config.json.
public struct CarriedOver: Sendable, Equatable {
  /// What is copied byte for byte: paths below the folder, sorted.
  public internal(set) var copies: [String] = []
  /// JSON files that are written without what is not true in the new folder, by name.
  public internal(set) var changed: [String: JSONValue] = [:]
  /// What stays behind, for a line to the user: names in the folder, and keys of ``changed``.
  public internal(set) var left: [String] = []

  /// The paths of all that the new folder gets, sorted.
  public var names: [String] { (copies + changed.keys).sorted() }
}

/// The files beside weights and configuration.
extension CheckpointFolder {
  /// Finds what is still true of a smaller model with the same tokens: its tokenizer, generation configuration, chat
  /// templates, processors' configurations, license, and the Python files that the tokenizer's or a processor's `auto_map`
  /// names.
  ///
  /// Everything else stays behind, since a loader could take it for true: an adapter's configuration, quantisation, other
  /// formats' weights, the model's own code, checkpoints of a training. Hidden files stay behind without being named.
  ///
  /// - Parameter excluded: names that are written anew, and so are neither carried nor left.
  /// - Throws: ``CheckpointError`` when the folder cannot be listed.
  public func carriedOver(excluding excluded: Set<String> = []) throws(CheckpointError) -> CarriedOver {
    var result = CarriedOver()
    var code: Set<String> = []
    let own = Set(fileNames + ["config.json", Self.indexName]).union(excluded)
    let names = try FolderListing.names(path).filter { !$0.hasPrefix(".") && !own.contains($0) }
    for name in names where CarriedFiles.isCarried(name) && FolderListing.kind("\(path)/\(name)") == .file {
      guard CarriedFiles.mayNameCode(name), let configuration = try? JSONValue(contentsOf: "\(path)/\(name)") else {
        result.copies.append(name)
        continue
      }
      let named = NamedCode(of: configuration, in: self)
      code.formUnion(named.files)
      if named.isWhole {
        result.copies.append(name)
      } else {
        result.changed[name] = named.configuration
        result.left.append("auto_map of \(name)")
      }
    }
    if FolderListing.kind("\(path)/\(CarriedFiles.templateFolder)") == .folder {
      result.copies += try FolderListing.names("\(path)/\(CarriedFiles.templateFolder)")
        .map { "\(CarriedFiles.templateFolder)/\($0)" }
        .filter { CarriedFiles.isTemplate($0) && FolderListing.kind("\(path)/\($0)") == .file }
    }
    result.copies = (result.copies + code.filter { !excluded.contains($0) }).sorted()
    let taken = Set(result.names.map { String($0.prefix { $0 != "/" }) })
    for name in names where !taken.contains(name) {
      let isFolder = FolderListing.kind("\(path)/\(name)") == .folder
      result.left.append(OneLine.text(name) + (isFolder ? "/" : ""))
    }
    return result
  }
}
