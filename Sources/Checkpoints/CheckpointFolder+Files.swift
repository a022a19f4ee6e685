internal import Safetensors
internal import Tensors

/// Which files hold a folder's weights.
extension CheckpointFolder {
  /// The names of the weight files, sorted, and the index's map where they are named by one.
  ///
  /// `model.safetensors` is preferred to an index where both are there, as transformers does, but only where they are one
  /// set of weights: copies of each other, or an index whose own shards are not there.
  static func weightFiles(_ path: String) throws(CheckpointError) -> (names: [String], map: [String: String]?) {
    let (single, index) = ("\(path)/\(singleFileName)", "\(path)/\(indexName)")
    if try FolderListing.isThere(single, else: .missingWeights) {
      // An index that cannot be read names nothing that could contradict.
      if FolderListing.kind(index) == .file, let map = try? weightMap(index) {
        try requireCopies(of: path, shards: Set(map.values).subtracting([singleFileName]).sorted())
      }
      return ([singleFileName], nil)
    }
    guard try FolderListing.isThere(index, else: .missingWeights) else { throw try missingWeights(path) }
    let map = try weightMap(index)
    return (Set(map.values).sorted(), map)
  }

  /// Makes sure that the shards that are there beside `model.safetensors` are a copy of it.
  ///
  /// Of each tensor a few pages are compared: two saved copies of one model have the same bytes everywhere, two models
  /// differ almost everywhere, and to read everything twice before every run would take minutes for a large model.
  private static func requireCopies(of path: String, shards: [String]) throws(CheckpointError) {
    let present = shards.filter { FolderListing.kind("\(path)/\($0)") == .file }
    guard !present.isEmpty else { return }
    func differ(_ what: String) -> CheckpointError {
      CheckpointError(
        .inconsistentIndex,
        "\(path): \(singleFileName) and the shards of \(indexName) are two sets of weights, and \(what); take one of "
          + "them out of the folder (transformers reads \(singleFileName))")
    }
    let single: SafetensorsFile
    do throws(SafetensorsError) {
      single = try SafetensorsFile(path: "\(path)/\(singleFileName)")
    } catch {
      throw CheckpointError(error)
    }
    var names = Set<String>()
    for shard in present {
      guard let file = try? SafetensorsFile(path: "\(path)/\(shard)") else { throw differ("\(shard) cannot be read") }
      for name in file.names {
        guard let own = try? single.tensor(name), let other = try? file.tensor(name), own.isProbablySame(as: other)
        else {
          throw differ("tensor \(OneLine.quoted(name)) of \(shard) differs")
        }
        names.insert(name)
      }
    }
    if let name = single.names.first(where: { !names.contains($0) }) {
      throw differ("only \(singleFileName) has tensor \(OneLine.quoted(name))")
    }
  }
}
