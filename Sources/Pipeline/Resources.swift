internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Communication
internal import Compute
internal import Foundation
internal import LayerStreaming
internal import Tensors
internal import Transformers

/// A run's arithmetic and weights: chosen once, for all its stages.
struct Resources {
  let backend: any ComputeBackend
  /// What perplexities and divergences that are reported are measured with: always float32, so that a figure does not
  /// depend on the processor.
  let measuringBackend: any ComputeBackend
  /// Whether ``backend`` multiplies weights in bf16.
  let usesBFloat16: Bool
  let threads: Int
  /// Whether owners broadcast their layers; otherwise every rank maps the files.
  let broadcasts: Bool
  /// Names of the hosts that ranks run on, each once.
  let hosts: [String]
  let ranksOnThisHost: Int
  private let session: Session
  private let document: RunDocument

  /// Chooses threads, backend and weight source. Collective.
  ///
  /// - Parameter model: whose weights are multiplied; nil for a measurement without a checkpoint.
  /// - Throws: ``RunDocumentError`` for bf16 where checkpoint or processor have none.
  init(_ document: RunDocument, model: Model?, session: Session) throws {
    self.session = session
    self.document = document
    let layout = try session.communicator.hostLayout()
    ranksOnThisHost = layout.ranksOnThisHost
    hosts = Set(layout.hostNames).sorted()
    threads = document.resources.threads ?? Self.threads(ranksOnThisHost: layout.ranksOnThisHost)
    usesBFloat16 = try Self.usesBFloat16(document, model: model, session: session)
    backend = session.makeBackend(document.resources.backend, threads, usesBFloat16)
    measuringBackend = usesBFloat16 ? session.makeBackend(document.resources.backend, threads, false) : backend
    broadcasts =
      switch document.resources.weights {
      case .files: false
      case .owner: session.communicator.size > 1
      // One host: its ranks share the pages of the mapped files, and nothing has to travel.
      case .auto: hosts.count > 1
      }
  }

  /// The same on every rank: scores of ranks that compute differently would be summed. Collective.
  private static func usesBFloat16(_ document: RunDocument, model: Model?, session: Session) throws -> Bool {
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

  /// Where a pass over `model` gets its weights. Collective; the source lives as long as its passes.
  func source(_ model: Model) throws -> any LayerSource {
    guard broadcasts else { return MappedLayerSource(model) }
    let communicator = try session.communicator.duplicate(waiting: .sleeping)
    return try session.together { try BroadcastLayerSource(model, communicator: communicator) }
  }

  /// What weights that a measurement makes up are stored in, so that they are multiplied as a checkpoint's.
  var weightType: ElementType { usesBFloat16 ? .bfloat16 : .float32 }

  /// Tokens in a forward pass: what the document says, or enough to keep products efficient.
  var batchTokens: Int { document.resources.microbatch ?? Self.automaticBatchTokens }

  private static let automaticBatchTokens = 1024

  /// Cores that this process may use, shared with the ranks that may use the same ones.
  ///
  /// A launcher that binds gives each rank cores of its own, fewer than the host has; without binding all ranks of a host
  /// see all cores and divide them.
  private static func threads(ranksOnThisHost: Int) -> Int {
    let environment = ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"]
    if let count = environment.flatMap({ Int($0) }), count > 0 { return count }
    let (allowed, online) = (ProcessInfo.processInfo.activeProcessorCount, ProcessInfo.processInfo.processorCount)
    return max(1, allowed < online ? allowed : online / max(1, ranksOnThisHost))
  }
}
