public import Checkpoints

extension ModelConfiguration {
  /// The configuration without the keys, of any family, that are true of the files they came with but not of a model that is
  /// written anew: how weights were quantised, which heads an older release cut at loading, where code lies, where the model
  /// came from.
  ///
  /// - Returns: also the names of the keys that said something, sorted.
  public func carriedOver() -> (configuration: ModelConfiguration, left: [String]) {
    var members = object
    var left: [String] = []
    for key in Self.keysOfTheFiles {
      guard let value = members.removeValue(forKey: key), !value.isNull, value != [:] else { continue }
      left.append(key)
    }
    return (ModelConfiguration(object: members, path: path), left.sorted())
  }

  private static let keysOfTheFiles = [
    // Weights are written as they were read: F32, BF16 or F16.
    "quantization_config", "quantization", "compression_config", "sparsity_config",
    // transformers 4 cuts these heads out once more while it loads.
    "pruned_heads",
    // Code that is not carried over; what a family needs, it writes.
    "auto_map", "custom_pipelines", "model_file",
    "_name_or_path", "_commit_hash",
  ]
}
