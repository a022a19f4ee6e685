/// The files beside weights and configuration.
extension CheckpointFolder {
  /// The names of the files that a smaller model needs as they are (tokenizer, generation configuration, chat template,
  /// license …), sorted.
  ///
  /// Left out are weights of any format and their indices, config.json, the model card (it describes the model before
  /// pruning), hidden files, folders, and whatever is no regular file.
  ///
  /// - Throws: ``CheckpointError`` when the folder cannot be listed.
  public func carriedOverFiles() throws(CheckpointError) -> [String] {
    try FolderListing.names(path).filter { name in
      let lowercase = name.lowercased()
      return !name.hasPrefix(".") && name != "config.json" && !lowercase.hasPrefix("readme")
        && !Self.weightSuffixes.contains { lowercase.hasSuffix($0) } && FolderListing.kind("\(path)/\(name)") == .file
    }
  }

  private static let weightSuffixes = [
    ".safetensors", ".index.json", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".gguf", ".h5", ".msgpack", ".onnx",
    ".onnx_data", ".ot", ".npz", ".tflite",
  ]
}
