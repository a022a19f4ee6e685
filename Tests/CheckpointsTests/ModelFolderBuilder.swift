import Safetensors
import Tensors
import TestSupport

/// Small model folders, right or wrong.
enum ModelFolderBuilder {
  /// Writes a safetensors file of float32 tensors of shape [2].
  static func weights(_ names: [String], to path: String) throws {
    let entries = names.map { TensorEntry(name: $0, elementType: .float32, shape: [2]) }
    var writer = try SafetensorsWriter(path: path, entries: entries)
    for (index, name) in names.enumerated() {
      let value = Float(index)
      try writer.append(StoredTensor(name: name, elementType: .float32, shape: [2], values: [value, -value]))
    }
    try writer.finish()
  }

  /// A folder with config.json and the shards, and an index over `map`.
  static func sharded(_ shards: [String: [String]], map: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("{\"model_type\": \"llama\"}", to: "config.json")
    for (file, names) in shards { try weights(names, to: folder.file(file)) }
    try folder.write("{\"metadata\": {}, \"weight_map\": \(map)}", to: "model.safetensors.index.json")
    return folder
  }
}
