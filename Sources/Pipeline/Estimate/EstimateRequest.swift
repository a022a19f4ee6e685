internal import Architectures
public import Artifacts
internal import Blueprints
internal import Communication
internal import Tensors

/// What `espalier estimate` was asked: a run, and machines to estimate it for.
public struct EstimateRequest: Sendable {
  /// The machines; what is nil is as here.
  public struct Machines: Sendable {
    public var nodes: Int?
    public var ranksPerNode: Int?
    /// Cores of a rank.
    public var cores: Int?
    /// GFLOP/s of a core in float32 products; nil: measured here.
    public var gigaflops: Double?
    /// Gb/s of a node's link, either way.
    public var link: Double
    /// MB/s of a node's disk.
    public var disk: Double
    /// Of a node; nil: what fits is not told.
    public var memory: ByteSize?
    /// ``Collectives``, by name.
    public var collectives: String

    public init(
      nodes: Int? = nil, ranksPerNode: Int? = nil, cores: Int? = nil, gigaflops: Double? = nil, link: Double = 10,
      disk: Double = 1000, memory: ByteSize? = nil, collectives: String = Self.collectiveNames[0]
    ) {
      self.nodes = nodes
      self.ranksPerNode = ranksPerNode
      self.cores = cores
      self.gigaflops = gigaflops
      self.link = link
      self.disk = disk
      self.memory = memory
      self.collectives = collectives
    }

    /// What ``collectives`` may be, the usual one first.
    public static var collectiveNames: [String] { Collectives.allCases.map(\.rawValue) }
  }

  private let document: RunDocument
  private let machines: Machines
  private let model: ModelShape

  /// Reads the model's config.json; neither weights nor texts have to be there.
  ///
  /// - Throws: ``CheckpointError`` for a config.json that cannot be used, ``RunDocumentError`` for a layout that the run could
  ///   not end with.
  public init(_ document: RunDocument, machines: Machines) throws {
    self.machines = machines
    model = try ModelShape(configuration: document.model)
    self.document = document.fitting(positions: model.blueprint.maximumPositions)
    try LayoutCheck(document: document, model: model).requireReachable()
  }

  /// The table, or JSON. Collective.
  public func run(_ session: Session, json: Bool) throws -> String {
    let layout = try session.communicator.hostLayout()
    let hosts = Set(layout.hostNames).count
    let nodes = machines.nodes ?? hosts
    let ranksPerNode = machines.ranksPerNode ?? max(1, session.communicator.size / hosts)
    let resources = try Resources(try forMeasuring(), model: nil, session: session)
    let cores = machines.cores ?? document.resources.threads ?? resources.threads
    // Described machines have bf16 when the document says so, these when they have it.
    let compute = document.resources.compute
    let isHere = machines.gigaflops == nil && session.supportsBFloat16 && document.resources.backend == .cpu
    let usesBFloat16 = model.isBFloat16 && (compute == .bf16 || (compute == .auto && isHere))
    let (single, half) = try rates(session, cores: cores, resources: resources, measuresBFloat16: isHere)
    let cluster = Cluster(
      nodes: nodes, ranksPerNode: ranksPerNode, cores: cores, measuringRate: single, rate: usesBFloat16 ? half : single,
      usesBFloat16: usesBFloat16, linkRate: machines.link * 1e9 / 8, diskRate: machines.disk * 1e6,
      memory: machines.memory?.bytes, collectives: Collectives(rawValue: machines.collectives) ?? .openMPI,
      broadcasts: broadcasts(nodes: nodes, ranks: nodes * ranksPerNode))
    let workload = RunWorkload(document)
    let estimate = try RunEstimate(model, document: document, workload: workload, cluster: cluster)
    let outcome = EstimateOutcome(
      estimate, document: document, cores: cores, isMeasured: machines.gigaflops == nil, link: machines.link,
      disk: machines.disk)
    return json ? outcome.json : outcome.table
  }

  private func broadcasts(nodes: Int, ranks: Int) -> Bool {
    switch document.resources.weights {
    case .files: false
    case .owner: ranks > 1
    case .auto: nodes > 1
    }
  }

  /// These machines need not multiply bf16 for others to be estimated, nor have their cores.
  private func forMeasuring() throws -> RunDocument {
    try document.applying([
      RunOverride(key: "resources.compute", value: "f32", source: "estimate"),
      RunOverride(key: "resources.threads", value: "auto", source: "estimate"),
    ])
  }

  /// Of a rank with so many cores, in float32 and in bf16, which is twice as fast where it is not measured (DESIGN §7).
  private func rates(
    _ session: Session, cores: Int, resources: Resources, measuresBFloat16: Bool
  ) throws -> (single: Double, half: Double) {
    if let gigaflops = machines.gigaflops {
      return (gigaflops * 1e9 * Double(cores), 2 * gigaflops * 1e9 * Double(cores))
    }
    let timer = KernelTimer(communicator: session.communicator, repeats: 1)
    let scale = Double(cores) / Double(resources.threads)
    let single = try ProductPeak(resources.measuringBackend, weights: .float32, timer: timer).rate * scale
    guard measuresBFloat16 else { return (single, 2 * single) }
    let backend = try session.together {
      try session.makeBackend(document.resources.backend, resources.threads, true)
    }
    return (single, try ProductPeak(backend, weights: .bfloat16, timer: timer).rate * scale)
  }
}
