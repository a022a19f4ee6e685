public import Artifacts
internal import Communication
internal import Compute
internal import Foundation

/// Looks at hosts, ranks, links and files before a run does, for `espalier doctor`.
public struct Doctor {
  private let document: RunDocument
  private let options: Options

  /// What the command line says.
  public struct Options: Sendable {
    /// Whether the document names a model; otherwise no file is looked at.
    public var hasModel: Bool
    /// Whether there is a run document, whose texts are read as `prune` reads them.
    public var hasDocument: Bool
    /// Whether every byte of the model is compared.
    public var readsAll: Bool
    /// Seconds that a step may take before the job is ended.
    public var limit: Double
    /// The message library as it names itself.
    public var messageLibrary: String

    public init(hasModel: Bool, hasDocument: Bool, readsAll: Bool, limit: Double, messageLibrary: String) {
      self.hasModel = hasModel
      self.hasDocument = hasDocument
      self.readsAll = readsAll
      self.limit = limit
      self.messageLibrary = messageLibrary
    }
  }

  /// - Parameter document: says what would be read and written, with how many threads.
  public init(_ document: RunDocument, options: Options) {
    self.document = document
    self.options = options
  }

  /// Checks, and gives the table or JSON; where a check failed, writes it to standard output on rank 0. Collective.
  ///
  /// - Throws: the same ``PeerFailure`` on every rank, with the exit code of the first check that failed.
  public func run(_ session: Session, json: Bool) throws -> String {
    let layout = try session.communicator.hostLayout()
    let rank = session.communicator.rank
    let host = layout.hostNames[rank]
    let communicator = session.communicator
    let watch = DoctorWatch(
      rank: rank, host: host, limit: options.limit, isSpeaking: rank == 0,
      abort: { message in
        FileHandle.standardError.write(Data("espalier: error: doctor: \(message)\n".utf8))
        communicator.abort(code: ExitCode.late)
      })
    defer { watch.end() }
    watch.begin("comparing run documents", isOwn: false)
    try Run.requireAgreement(on: document, communicator: communicator)
    let quiet = try communicator.duplicate(waiting: .sleeping)
    let leaders = layout.hostNames.indices.filter { layout.hostNames.firstIndex(of: layout.hostNames[$0]) == $0 }
      .map { (rank: $0, host: layout.hostNames[$0]) }

    watch.begin("looking at this host")
    var facts = DoctorFacts.ofThisProcess(rank: rank, host: host, messageLibrary: options.messageLibrary)
    var inputs: Inputs?
    if options.hasModel {
      watch.begin("opening the model and texts")
      facts.inputs = DoctorInputs.seen(document)
      watch.begin("opening the model and texts on other ranks", isOwn: false)
      try quiet.barrier()
      watch.begin("reading the texts as a run does")
      inputs = facts.inputs?.read(document, needs: options.hasDocument ? needs : [])
      watch.begin("reading the texts as a run does on other ranks", isOwn: false)
      try quiet.barrier()
      if options.readsAll { try facts.inputs?.readWhole(layout, communicator: quiet, watch: watch) }
    }
    facts.places = try places(quiet, watch)
    facts.neighborProblem = try DoctorNeighbors.problem(hosts: layout.hostNames, communicator: quiet)
    let run = try runChecks(inputs, session, watch)
    if !run.contains(where: { $0.name == Self.threadsName }) { try measureProducts(&facts, session, quiet, watch) }
    facts.clockOffset = try clockOffset(communicator, watch)
    let links = try DoctorLinks(communicator: quiet, leaders: leaders).measure(watch)

    watch.begin("collecting what all ranks found", isOwn: false)
    let all = try communicator.gather(Array(try JSONEncoder().encode(facts))).enumerated().map { rank, bytes in
      guard let facts = try? JSONDecoder().decode(DoctorFacts.self, from: Data(bytes)) else {
        throw CommunicationError(
          .disagreement, "rank \(rank) runs another version of espalier; install one build on every host")
      }
      return facts
    }
    let report = DoctorReport(facts: all, links: links, run: run)
    let text = json ? try report.json : report.table
    let failures = report.checks.filter { $0.state == .failure }
    guard !failures.isEmpty else { return text }
    try session.together {
      if rank == 0 { try StandardOutput().write(text) }
    }
    return try session.together { throw DoctorError(failures) }
  }

  /// What `prune` needs, and what other verbs need that the document gives something for.
  private var needs: Inputs.Needs {
    var needs = Inputs.Needs.ofPrune
    if document.recovery.steps > 0, document.recovery.teacher != nil { needs.insert(.teacher) }
    if document.generation.sequences > 0 { needs.insert(.generation) }
    return needs
  }

  /// What refuses a run for its threads.
  private static let threadsName = "threads"

  /// What `prune` looks at before its work, by its own code: a line for each. Collective.
  ///
  /// - Parameter inputs: nil where this rank could not read them.
  private func runChecks(_ inputs: Inputs?, _ session: Session, _ watch: DoctorWatch) throws -> [DoctorCheck] {
    watch.begin("looking at what a run checks before its work", isOwn: false)
    do {
      _ = try Resources(document, model: nil, session: session)
    } catch let failure as PeerFailure {
      return [.refusal(Self.threadsName, failure.description, failure.exitCode)]
    }
    // Why not is told of already.
    guard try session.communicator.maximum(of: inputs == nil ? 1 : 0) == 0, let inputs else { return [] }
    let run: Run
    do {
      run = try Run(inputs, session: session, documentPath: nil)
    } catch let failure as PeerFailure {
      return [.refusal("run", failure.description, failure.exitCode)]
    } catch let error as CommunicationError where error.code == .disagreement {
      return [.refusal("agreement", error.description, ExitCode.code(for: error))]
    }
    let warnings = run.warnings.map { DoctorCheck.warning("run", $0, "a run goes on with it, and says so") }
    return try warnings
      + (run.checksBeforeWork + run.lookAtFolders()).map { check in
        do {
          return .ok(check.name, try check.look())
        } catch let failure as PeerFailure {
          return .refusal(check.name, failure.description, failure.exitCode)
        }
      }
  }

  /// The folders that a run writes to, and whether all ranks see the same ones.
  private func places(_ communicator: any Communicator, _ watch: DoctorWatch) throws -> [DoctorPlace] {
    watch.begin("looking at folders")
    var places = [DoctorPlace(role: "temporary folder", folder: NSTemporaryDirectory())]
    if options.hasModel {
      places.insert(DoctorPlace(role: "output", folder: document.output), at: 0)
      places.insert(DoctorPlace(role: "run folder", folder: document.runFolder), at: 1)
    } else {
      places.insert(DoctorPlace(role: "current folder", folder: "."), at: 0)
    }
    guard communicator.size > 1 else { return places }
    for index in places.indices where places[index].role != "temporary folder" {
      let own = "\(places[index].path)/.espalier-doctor-\(UUID().uuidString)"
      watch.begin("making a file in \(places[index].path)")
      let isMade = communicator.rank == 0 && FileManager.default.createFile(atPath: own, contents: nil)
      defer { if isMade { try? FileManager.default.removeItem(atPath: own) } }
      watch.begin("waiting for rank 0's file", isOwn: false)
      let name = String(decoding: try communicator.broadcast(isMade ? Array(own.utf8) : [], root: 0), as: UTF8.self)
      watch.begin("looking for rank 0's file \(name)")
      if !name.isEmpty { places[index].isShared = Self.appears(name) }
      watch.begin("looking for rank 0's file on other ranks", isOwn: false)
      try communicator.barrier()
    }
    return places
  }

  /// Whether a file is there, or comes soon: a network's file system may tell of it late.
  private static func appears(_ path: String) -> Bool {
    for pause in [0.0, 0.1, 0.4, 1.5] {
      Thread.sleep(forTimeInterval: pause)
      if FileManager.default.fileExists(atPath: path) { return true }
    }
    return false
  }

  /// Products in float32 on all ranks at once.
  private func measureProducts(
    _ facts: inout DoctorFacts, _ session: Session, _ communicator: any Communicator, _ watch: DoctorWatch
  ) throws {
    watch.begin("choosing threads and kernels", isOwn: false)
    let resources = try Resources(document, model: nil, session: session)
    facts.threads = resources.threads
    let backend = resources.measuringBackend
    facts.backend = backend.name
    try communicator.barrier()
    watch.begin("multiplying matrices")
    facts.productRate = try DoctorProducts.rate(backend)
    watch.begin("multiplying matrices on other ranks", isOwn: false)
    try communicator.barrier()
  }

  /// Seconds that this rank's clock is ahead of rank 0's: of some barriers, after which all look at it at once, the one
  /// in the middle.
  private func clockOffset(_ communicator: any Communicator, _ watch: DoctorWatch) throws -> Double {
    watch.begin("comparing clocks", isOwn: false)
    let offsets = try (0..<9).map { _ in
      try communicator.barrier()
      let now = Date().timeIntervalSince1970
      return now - (try communicator.gather(now)[0])
    }
    return DoctorChecks.median(offsets)
  }
}
