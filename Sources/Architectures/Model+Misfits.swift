internal import Blueprints
internal import Checkpoints
internal import Tensors

/// What to say of weights that are not as config.json asks: the remedy has to work for the cause at hand, so causes that
/// can be told apart are.
extension Model {
  /// The failure of a tensor that is not there.
  func missing(_ name: String, _ specification: TensorSpecification) -> CheckpointError {
    let subject =
      "\(folder.path): tensor \(OneLine.quoted(name)) of shape \(Shape(specification.shape)) is missing"
    let names = folder.tensors.keys
    let problem =
      Quantization.problem(names) ?? Self.adapter(names) ?? renamed(name)
      ?? architecture.remedy(forMissing: name, of: blueprint, in: Set(names)).map { "\($0) in config.json" }
      ?? "get the config.json of these weights, or the weights of this config.json"
    return CheckpointError(.missingTensor, "\(subject); \(problem)")
  }

  /// The failure of a tensor of another shape.
  func wrongShape(_ tensor: StoredTensor, _ specification: TensorSpecification) -> CheckpointError {
    let keys = architecture.keys(shaping: specification.role).map { key in
      OneLine.quoted(key) + (folder.configuration[key] == nil ? " (not given)" : "")
    }
    let problem =
      Quantization.problem(folder.tensors.keys)
      ?? "correct \(keys.joined(separator: " or ")) there, or give the config.json of these weights"
    return CheckpointError(
      .wrongShape,
      "\(tensor.path ?? folder.path): tensor \(OneLine.quoted(tensor.name)) has shape \(tensor.shape), but config.json "
        + "asks for \(Shape(specification.shape)); \(problem)")
  }

  /// The failure of a tensor of a type that is not computed with.
  func wrongType(_ tensor: StoredTensor) -> CheckpointError {
    let problem =
      Quantization.problem(folder.tensors.keys)
      ?? "Espalier reads F32, BF16 and F16, so convert the checkpoint to one of them"
    return CheckpointError(
      .unsupportedType,
      "\(tensor.path ?? folder.path): tensor \(OneLine.quoted(tensor.name)) has type "
        + "\(tensor.elementType.safetensorsName); \(problem)")
  }

  /// The failure of tensors that the model has no place for, sorted and at least one.
  func unexpected(_ extra: [String]) -> CheckpointError {
    let more = extra.count == 1 ? "" : " (and \(extra.count - 1) more)"
    let problem =
      Quantization.problem(extra) ?? Self.adapter(extra)
      ?? architecture.remedy(forUnexpected: extra[0], of: blueprint, in: Set(folder.tensors.keys)).map {
        "\($0) in config.json"
      }
      ?? "this is another model, or one of another family than \"model_type\" says in config.json"
    return CheckpointError(
      .unexpectedTensor,
      "\(folder.tensor(named: extra[0])?.path ?? folder.path): tensor \(OneLine.quoted(extra[0]))\(more) is not part of a "
        + "\(blueprint.modelType) model of this config.json; \(problem)")
  }

  /// What is wrong with an output matrix that should be the embedding, and is stored as another.
  func differentCopy(_ name: String, of original: String) -> CheckpointError {
    CheckpointError(
      .unexpectedTensor,
      "\(folder.tensor(named: name)?.path ?? folder.path): tensor \(OneLine.quoted(name)) differs from "
        + "\(OneLine.quoted(original)), but \"tie_word_embeddings\" in config.json says that they are one; set it to false "
        + "to use both, as transformers 5 does, or write the weights without \(OneLine.quoted(name)) to use one")
  }

  /// Adapters that were saved beside the weights that they belong to.
  private static func adapter(_ names: some Sequence<String>) -> String? {
    names.filter { $0.contains(".lora_A.") || $0.contains(".base_layer.") }.min().map {
      "there are adapters that were not merged (\(OneLine.quoted($0))); merge them (merge_and_unload of peft)"
    }
  }

  /// What is wrong where the tensor is there with another beginning of its name.
  private func renamed(_ name: String) -> String? {
    let names = folder.tensors.keys.sorted()
    if let other = names.first(where: { $0.hasSuffix(name) }) {
      let prefix = OneLine.quoted(String(other.dropLast(name.count)))
      return "\(OneLine.quoted(other)) is there: the names have the prefix \(prefix), so rename the tensors without it"
    }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    let (own, rest) = (OneLine.quoted(String(name[...dot])), String(name[name.index(after: dot)...]))
    // A short rest, such as `weight`, would be found anywhere.
    guard rest.contains("."), let other = names.first(where: { $0 == rest || $0.hasSuffix("." + rest) }) else {
      return nil
    }
    let prefix = String(other.dropLast(rest.count))
    return prefix.isEmpty
      ? "\(OneLine.quoted(other)) is there: the names lack the prefix \(own), so rename the tensors with it"
      : "\(OneLine.quoted(other)) is there: the names have the prefix \(OneLine.quoted(prefix)) for \(own), so rename the tensors"
  }
}
