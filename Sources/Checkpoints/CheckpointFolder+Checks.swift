internal import Safetensors
internal import Tensors

/// What opening a folder checks.
extension CheckpointFolder {
  static func requireFolder(_ path: String) throws(CheckpointError) {
    switch FolderListing.kind(path) {
    case .folder: return
    case .file, .other:
      throw CheckpointError(.missingFolder, "\(path) is not a folder; give the folder that holds config.json")
    case .missing:
      // A link that leads nowhere, or what may not be looked at, has another remedy.
      _ = try FolderListing.isThere(path, else: .missingFolder)
      let looksLikeHubName =
        !path.hasPrefix("/") && !path.hasPrefix(".") && !path.hasPrefix("~")
        && path.split(separator: "/", omittingEmptySubsequences: false).count == 2
      let advice =
        looksLikeHubName
        ? "no hub is asked: download the model first and give its folder" : "give the folder of a Hugging Face model"
      throw CheckpointError(.missingFolder, "the folder \(path) does not exist; \(advice)")
    }
  }

  /// The failure of a folder without safetensors, which says what it has instead.
  static func missingWeights(_ path: String) throws(CheckpointError) -> CheckpointError {
    let names = try FolderListing.names(path)
    let pickled = ["bin", "pt", "pth", "ckpt", "pkl"]
    if let name = names.first(where: { $0.hasPrefix("pytorch_model") && !$0.hasSuffix(".json") })
      ?? names.first(where: { name in
        name != "training_args.bin" && pickled.contains { name.hasSuffix("." + $0) }
      })
    {
      return CheckpointError(
        .missingWeights,
        "\(path): the weights are pickled (\(name)), which Espalier never reads; convert them to safetensors, for "
          + "example with save_pretrained of transformers")
    }
    if let name = names.first(where: { $0.hasSuffix(".gguf") || $0.hasSuffix(".h5") || $0.hasSuffix(".msgpack") }) {
      return CheckpointError(
        .missingWeights, "\(path): \(name) is not read; give a folder with \(singleFileName) or \(indexName)")
    }
    let others = names.filter { $0.hasSuffix(".safetensors") }
    if names.contains("adapter_config.json") || others.contains("adapter_model.safetensors") {
      return CheckpointError(
        .missingWeights,
        "\(path): this is an adapter, not a model; merge it into its base model (merge_and_unload of peft) and give the "
          + "folder of that")
    }
    if let name = others.first(where: { $0.hasPrefix("model-") && $0.contains("-of-") }) {
      return CheckpointError(
        .missingWeights, "\(path): there are shards (\(OneLine.text(name)) …), but no \(indexName); get that file too")
    }
    if others.count == 1, let name = others.first {
      return CheckpointError(
        .missingWeights,
        "\(path): neither \(singleFileName) nor \(indexName) is there; if \(OneLine.text(name)) has the weights under "
          + "Hugging Face's names, rename it to \(singleFileName)")
    }
    return CheckpointError(
      .missingWeights, "\(path): neither \(singleFileName) nor \(indexName) is there; get the model's weights too")
  }

  /// Reads an index: tensor name to file name.
  static func weightMap(_ path: String) throws(CheckpointError) -> [String: String] {
    guard let members = try JSONValue(contentsOf: path)["weight_map"]?.objectValue else {
      throw CheckpointError(
        .inconsistentIndex, "\(path): key \"weight_map\" is missing or no object; put the model's own index there")
    }
    guard !members.isEmpty else {
      throw CheckpointError(
        .inconsistentIndex, "\(path): key \"weight_map\" names no tensors; put the model's own index there")
    }
    var map = [String: String](minimumCapacity: members.count)
    // In the order of names, so that every rank reports the same of several errors.
    for (tensor, value) in members.sorted(by: { $0.key < $1.key }) {
      // A name with a slash could lead anywhere on this machine.
      guard let name = value.stringValue, name.hasSuffix(".safetensors"), !name.hasPrefix("."),
        !name.contains("/"), !name.contains("\\"), !name.utf8.contains(0)
      else {
        throw CheckpointError(
          .inconsistentIndex,
          "\(path): tensor \(OneLine.quoted(tensor)) is in \(OneLine.text(value.kind)), which is no plain .safetensors "
            + "file name; put the shards beside the index, and name them so there")
      }
      map[tensor] = name
    }
    return map
  }

  /// Checks that index and shards name the same tensors in the same places. A tensor that two shards hold has to be the
  /// same in both.
  static func check(
    _ weightMap: [String: String], against files: [SafetensorsFile], _ fileNames: [String], index: String
  ) throws(CheckpointError) {
    var found = [String: [(fileName: String, file: SafetensorsFile)]](minimumCapacity: weightMap.count)
    for (file, fileName) in zip(files, fileNames) {
      for tensor in file.names {
        if let (other, otherFile) = found[tensor]?.first, let stored = try? file.tensor(tensor),
          let earlier = try? otherFile.tensor(tensor), !stored.hasSameElements(as: earlier)
        {
          throw CheckpointError(
            .inconsistentIndex,
            "\(file.path): tensor \(OneLine.quoted(tensor)) is also in \(other), with other values; get both files again, or, "
              + "where they were published so, write one of them without it")
        }
        found[tensor, default: []].append((fileName, file))
        guard weightMap[tensor] != nil else {
          throw CheckpointError(
            .inconsistentIndex,
            "\(file.path): tensor \(OneLine.quoted(tensor)) is not in \(index); get both files again, or, where they were "
              + "published so, add it to the index's weight_map")
        }
      }
    }
    for (tensor, fileName) in weightMap.sorted(by: { $0.key < $1.key }) {
      let places = found[tensor] ?? []
      if places.contains(where: { $0.fileName == fileName }) { continue }
      let place = places.first.map { "but is in \($0.fileName)" } ?? "but is in no shard"
      throw CheckpointError(
        .inconsistentIndex,
        "\(index): tensor \(OneLine.quoted(tensor)) should be in \(OneLine.text(fileName)) \(place); get the files again, "
          + "or, where they were published so, correct the index's weight_map")
    }
  }
}
