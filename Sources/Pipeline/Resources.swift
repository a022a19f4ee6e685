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
  /// What may surprise, for the report.
  let warnings: [String]
  /// Names of the hosts that ranks run on, each once.
  let hosts: [String]
  /// Looks at every weight once in the run.
  private let weightCheck: WeightCheck
  private let ranksOnThisHost: Int
  private let session: Session
  private let document: RunDocument

  /// Chooses threads, backend and weight source. Collective.
  ///
  /// - Parameter model: whose weights are multiplied; nil for a measurement without a checkpoint.
  /// - Throws: shared by all ranks, ``RunDocumentError`` for bf16 where checkpoint or processor have none, and for many
  ///   times more threads than processors; ``ProcessLimitError`` where a rank may not have them.
  init(_ document: RunDocument, model: Model?, session: Session) throws {
    self.session = session
    self.document = document
    weightCheck = WeightCheck { try session.together($0) }
    let layout = try session.communicator.hostLayout()
    ranksOnThisHost = layout.ranksOnThisHost
    hosts = Set(layout.hostNames).sorted()
    // Gathered whatever this rank's document says: another host's may say otherwise.
    let own = ProcessorShare.ofThisProcess
    let others = try session.communicator.gather(own.bytes)
    let host = layout.hostNames[session.communicator.rank]
    let onThisHost = zip(layout.hostNames, others).filter { $0.0 == host }.map { ProcessorShare(bytes: $0.1) }
    let chosen = document.resources.threads ?? ProcessorShare.environmentThreads
    let threads = chosen ?? own.threads(among: onThisHost)
    let usesBFloat16 = try Self.usesBFloat16(document, model: model, session: session)
    (backend, measuringBackend) = try session.together {
      if chosen != nil { try own.check(threads, isFromDocument: document.resources.threads != nil) }
      let backend = try session.makeBackend(document.resources.backend, threads, usesBFloat16)
      return (backend, usesBFloat16 ? try session.makeBackend(document.resources.backend, threads, false) : backend)
    }
    (self.threads, self.usesBFloat16) = (threads, usesBFloat16)
    warnings = own.warning(threads, among: onThisHost).map { [$0] } ?? []
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
        try BroadcastLayerSource(model, communicator: communicator, check: weightCheck, trace: session.trace)
      }
    } else {
      source = MappedLayerSource(model, check: weightCheck, trace: session.trace)
    }
    return WatchedLayerSource(source, layers: model.blueprint.layers.count, session: session)
  }

  /// The mapped weights of a layer of `model` on each rank, nil for a rank that wants none. Collective.
  func weights(ofLayer layer: Int?, of model: Model) throws -> GroupWeights? {
    try session.together {
      try layer.map { layer in
        try weightCheck.requireFinite(.layer(layer), of: model)
        return try model.weights(of: .layer(layer))
      }
    }
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
  var availableBytes: Int {
    min(HostMemory.availableBytes / max(1, ranksOnThisHost), ProcessLimits.addressSpaceLeft ?? .max)
  }

  /// What weights that a measurement makes up are stored in, so that they are multiplied as a checkpoint's.
  var weightType: ElementType { usesBFloat16 ? .bfloat16 : .float32 }

  /// Tokens in a forward pass: what the document says, or enough to keep products efficient.
  var batchTokens: Int { document.resources.microbatch ?? Self.automaticBatchTokens }

  static let automaticBatchTokens = 1024
}
