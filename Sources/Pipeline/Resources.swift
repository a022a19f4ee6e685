internal import Architectures
internal import Artifacts
internal import Communication
internal import Compute
internal import Foundation
internal import LayerStreaming
internal import Transformers

/// A run's arithmetic and weights: chosen once, for all its stages.
struct Resources {
  let backend: any ComputeBackend
  let threads: Int
  /// Whether owners broadcast their layers; otherwise every rank maps the files.
  let broadcasts: Bool
  /// Names of the hosts that ranks run on, each once.
  let hosts: [String]
  let ranksOnThisHost: Int
  private let session: Session
  private let document: RunDocument

  /// Chooses threads, backend and weight source. Collective.
  init(_ document: RunDocument, session: Session) throws {
    self.session = session
    self.document = document
    let layout = try session.communicator.hostLayout()
    ranksOnThisHost = layout.ranksOnThisHost
    hosts = Set(layout.hostNames).sorted()
    threads = document.resources.threads ?? Self.threads(ranksOnThisHost: layout.ranksOnThisHost)
    backend = session.makeBackend(document.resources.backend, threads)
    broadcasts =
      switch document.resources.weights {
      case .files: false
      case .owner: session.communicator.size > 1
      // One host: its ranks share the pages of the mapped files, and nothing has to travel.
      case .auto: hosts.count > 1
      }
  }

  /// Where a pass over `model` gets its weights. Collective; the source lives as long as its passes.
  func source(_ model: Model) throws -> any LayerSource {
    guard broadcasts else { return MappedLayerSource(model) }
    let communicator = try session.communicator.duplicate(waiting: .sleeping)
    return try session.together { try BroadcastLayerSource(model, communicator: communicator) }
  }

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
