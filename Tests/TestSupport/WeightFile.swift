internal import Safetensors
public import Tensors

/// Weight files with other tensors than they had.
public enum WeightFile {
  /// Writes a safetensors file again with its tensors changed, as a new file: one that is linked or mapped stays as it was.
  public static func rewrite(
    _ path: String, from original: String? = nil, _ change: (inout [StoredTensor]) throws -> Void
  ) throws {
    let file = try SafetensorsFile(path: original ?? path)
    var tensors = try file.namesInFileOrder.map { try file.tensor($0) }
    try change(&tensors)
    // Wider types go first, so that nothing lies misaligned.
    tensors = tensors.enumerated().sorted {
      ($1.element.elementType.byteCount, $0.offset) < ($0.element.elementType.byteCount, $1.offset)
    }.map(\.element)
    var writer = try SafetensorsWriter(path: path, entries: tensors.map { TensorEntry($0) }, metadata: file.metadata)
    for tensor in tensors { try writer.append(tensor) }
    try writer.finish()
  }

  /// A tensor of a name with the rows of another in reverse: of its shape, and other values.
  public static func reversed(_ tensor: StoredTensor, as name: String) throws -> StoredTensor {
    try StoredTensor(
      name: name, elementType: tensor.elementType, shape: tensor.shape, values: Array(tensor.floats().reversed()))
  }
}
