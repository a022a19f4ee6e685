internal import Architectures
internal import Artifacts
internal import Blueprints
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
  private let ranksOnThisHost: Int
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
    // Gathered whatever this rank's document says: another host's may say otherwise.
    let processors = Self.allowedProcessors()
    let others = try session.communicator.gather(Array(processors.utf8))
    let host = layout.hostNames[session.communicator.rank]
    let sharing = zip(layout.hostNames, others).count { $0 == host && $1 == Array(processors.utf8) }
    threads = document.resources.threads ?? Self.threads(on: processors, sharing: sharing)
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

  /// Where a pass over `model` gets its weights. Collective; the source lives as long as its passes.
  func source(_ model: Model) throws -> any LayerSource {
    let source: any LayerSource
    if broadcasts {
      let communicator = try session.communicator.duplicate(waiting: .sleeping)
      source = try session.together {
        try BroadcastLayerSource(model, communicator: communicator, trace: session.trace)
      }
    } else {
      source = MappedLayerSource(model, trace: session.trace)
    }
    return WatchedLayerSource(source, layers: model.blueprint.layers.count, heartbeat: session.console.heartbeat)
  }

  /// Both backends, or the one that is both.
  var backends: [any ComputeBackend] { measuringBackend === backend ? [backend] : [backend, measuringBackend] }

  /// Where the weights of passes are that a rank plans its memory for.
  var residence: WeightResidence {
    WeightResidence(
      owner: broadcasts ? (session.communicator.rank, session.communicator.size) : nil, usesBFloat16: usesBFloat16)
  }

  /// What a stage that trains keeps in memory. Collective.
  func trainingMemory(_ workload: TrainingMemory.Workload) throws -> TrainingMemory {
    try TrainingMemory(
      workload, weights: residence, recompute: document.resources.recompute, limit: document.resources.memoryLimit,
      available: availableBytes, session: session)
  }

  /// How a model that writes text is kept in memory, and how many sequences at a time. Collective.
  func generationMemory(_ model: Model, length: Int, sequences: Int) throws -> GenerationMemory {
    try GenerationMemory(
      model, length: length, sequences: sequences, weights: residence, limit: document.resources.memoryLimit,
      available: availableBytes, session: session)
  }

  /// Bytes that this rank could have of its host's memory.
  var availableBytes: Int { HostMemory.availableBytes / max(1, ranksOnThisHost) }

  /// What weights that a measurement makes up are stored in, so that they are multiplied as a checkpoint's.
  var weightType: ElementType { usesBFloat16 ? .bfloat16 : .float32 }

  /// Tokens in a forward pass: what the document says, or enough to keep products efficient.
  var batchTokens: Int { document.resources.microbatch ?? Self.automaticBatchTokens }

  static let automaticBatchTokens = 1024

  /// `resources.threads: auto`: what OPENBLAS_NUM_THREADS says, or the processors that this process may use, divided among
  /// the `sharing` ranks that may use the same ones.
  ///
  /// A launcher that binds gives each rank processors of its own; without binding all ranks of a host share all that the
  /// host, the job or the container has.
  private static func threads(on processors: String, sharing: Int) -> Int {
    let environment = ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"]
    if let count = environment.flatMap({ Int($0) }), count > 0 { return count }
    // "0-3,8": Foundation's activeProcessorCount does not see a binding.
    let ranges = processors.split(separator: ",").map { $0.split(separator: "-").compactMap { Int($0) } }
    let counts = ranges.map { bounds in bounds.isEmpty ? 0 : bounds[bounds.count - 1] - bounds[0] + 1 }
    let allowed = counts.isEmpty ? ProcessInfo.processInfo.activeProcessorCount : counts.reduce(0, +)
    return max(1, allowed / max(1, sharing))
  }

  /// Numbers of the processors that this process may use, as the kernel writes them (`0-3,8`); empty where it does not, as
  /// if all ranks shared them.
  static func allowedProcessors() -> String {
    let name = "Cpus_allowed_list:"
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    return line.map { $0.dropFirst(name.count).trimmingCharacters(in: .whitespaces) } ?? ""
  }
}
