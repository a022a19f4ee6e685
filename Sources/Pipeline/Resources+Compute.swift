internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import Tensors

/// What products with weights multiply.
extension Resources {
  /// The same on every rank: scores of ranks that compute differently would be summed. Collective.
  static func usesBFloat16(_ document: RunDocument, model: Model?, session: Session) throws -> Bool {
    let resources = document.resources
    guard resources.compute != .f32 else { return false }
    let types = Set(
      try model.map { model in
        try model.blueprint.layers.indices.flatMap { layer in
          try model.blueprint.tensors(of: .layer(layer)).filter { $0.shape.count == 2 }
            .map { try model.tensor($0).elementType }
        }
      } ?? [])
    let other = types.subtracting([.bfloat16]).min { $0.safetensorsName < $1.safetensorsName }
    let isHere = session.supportsBFloat16 && resources.backend == .cpu
    let isEverywhere = try session.communicator.maximum(of: isHere ? 0 : 1) == 0
    guard resources.compute == .bf16 else { return isEverywhere && other == nil }
    try session.together {
      let reason: String? =
        if let other {
          "multiplies weights as a BF16 checkpoint has them, but \(document.model) has \(other.safetensorsName)"
        } else if resources.backend != .cpu {
          "is computed by resources.backend: cpu only"
        } else if !session.supportsBFloat16 {
          "needs a processor with AVX512-BF16 or AMX"
        } else {
          nil
        }
      if let reason {
        throw RunDocumentError(.invalidValue, "resources.compute: bf16 \(reason); use f32 or auto")
      }
    }
    return isEverywhere
  }
}
