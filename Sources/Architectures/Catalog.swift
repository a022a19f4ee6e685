internal import Checkpoints

/// All families that this build reads.
enum Catalog {
  static let architectures: [any Architecture.Type] = [
    Llama.self
  ]

  /// The family of a config.json.
  static func architecture(of configuration: ModelConfiguration) throws(CheckpointError) -> any Architecture.Type {
    let modelType = try configuration.string("model_type")
    for architecture in architectures where architecture.modelTypes.contains(modelType) { return architecture }
    let known = modelTypes.joined(separator: ", ")
    throw configuration.invalid(
      "model_type", "\"\(modelType)\" is not a family that Espalier prunes; it knows \(known)")
  }

  private static var modelTypes: [String] {
    var types: [String] = []
    for architecture in architectures { types += architecture.modelTypes }
    return types.sorted()
  }
}
