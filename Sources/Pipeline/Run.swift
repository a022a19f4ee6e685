internal import GateTuning
internal import Compute
internal import Artifacts
internal import Allocation
internal import Architectures
internal import Blueprints
internal import Checkpoints
internal import Communication
internal import Crypto
internal import Evaluation
internal import Foundation
internal import Repacking

/// One command's stages over all ranks: what they share, and the report they fill.
///
/// Every method is collective. Rank 0 alone writes artifacts; all ranks know of a failure anywhere.
public final class Run {
  let session: Session
  var inputs: Inputs
  let resources: Resources
  let recorder: PhaseRecorder
  let folder: RunFolder
  private let documentPath: String?
  var report: RunReport
  let traceFile: TraceFile
  /// What may surprise, known before the work.
  let warnings: [String]
  /// What was warned of in the plan that counts so far.
  var planWarning: String?
  /// Whether the run folder was made for this run.
  var hasFolder = false
  /// Whether run.yaml is this verb's.
  var leavesDocument = false
  /// Takes the gradients of a training stage's first steps; nil: nobody wants them.
  var dump: GradientDump?
  /// What this verb has done so far; nil outside ``inFolder(_:result:reads:writesOutput:writesDocument:body:)``.
  var state: RunState?
  /// The report of the run that this one continues.
  var earlier: RunReport?
  /// The output folder, on rank 0, from when it is prepared until it is whole.
  var prepared: OutputFolder?
  /// A phase whose end is noted before it is quite over, and when it began.
  var running: (phase: String, start: ContinuousClock.Instant)?
  /// Whether to forget what an unfinished run left.
  let isFresh: Bool

  /// Makes sure that all ranks hold the same inputs, and chooses backend and weights.
  ///
  /// - Parameters:
  ///   - documentPath: the file that the document was read from; nil when flags made it.
  ///   - isFresh: whether to forget what an unfinished run left, and start over.
  /// - Throws: ``CommunicationError`` naming what differs.
  public init(_ inputs: Inputs, session: Session, documentPath: String?, isFresh: Bool = false) throws {
    self.session = session
    self.isFresh = isFresh
    self.inputs = inputs
    self.documentPath = documentPath
    try session.communicator.requireAgreement(on: "version of espalier", digest: Session.version)
    try Self.requireAgreement(on: inputs.document, communicator: session.communicator)
    for (name, digest) in [
      ("model", inputs.modelHash),
      ("calibration data", inputs.candidatesHash), ("held-out text", inputs.heldOutHash),
      ("evaluation text", inputs.windowsHash),
      ("text to tune on", inputs.tuningHash), ("text to recover on", inputs.recoveryHash),
      ("teacher", inputs.teacherHash), ("prompts", inputs.promptsHash),
    ] { try session.communicator.requireAgreement(on: name, digest: digest) }
    resources = try Resources(inputs.document, model: inputs.model, session: session)
    recorder = PhaseRecorder(session, backends: resources.backends)
    folder = RunFolder(path: inputs.document.runFolder)
    for (name, digest) in [
      ("run document", inputs.document.digest), ("model", inputs.modelHash), ("calibration data", inputs.dataHash),
    ] { recorder.hold(name, digest) }
    for stamp in inputs.stamps { recorder.watch(stamp) }
    report = RunReport(
      espalierVersion: Session.version, model: RunReport.Model(path: inputs.document.model, hash: inputs.modelHash),
      resources: RunReport.Resources(
        ranks: session.communicator.size, hosts: resources.hosts, threads: resources.threads,
        backend: resources.backend.name))
    recorder.expect(try Self.estimate(inputs, resources: resources, session: session))
    traceFile = try TraceFile(session)
    report.runDigest = inputs.document.digest
    report.parameters = RunReport.Change(before: inputs.model.parameterCount)
    report.bytes = RunReport.Change(before: inputs.model.folder.totalBytes)
    warnings =
      inputs.warnings + resources.warnings + IdleRanks.warnings(inputs, ranks: session.communicator.size)
    report.warnings = warnings
    let configuration = inputs.model.folder.configuration
    if configuration["pruned_by"] != nil || configuration["recovered_by"] != nil { report.model.isPruned = true }
  }

  /// Says what begins, once nothing is in its way.
  func announce() {
    let ranks = session.communicator.size
    session.console.say(
      "espalier \(Session.version): \(inputs.document.model), \(ranks) rank\(ranks == 1 ? "" : "s") × "
        + "\(resources.threads) thread\(resources.threads == 1 ? "" : "s"), \(resources.backend.name), weights from "
        + (resources.broadcasts ? "their owners" : "mapped files"))
    for warning in warnings { session.console.say("warning: \(warning)") }
  }

  /// Whether this rank writes and speaks.
  var isFirst: Bool { session.communicator.rank == 0 }

  /// Makes the run folder and, where the verb leaves its document, puts it there.
  func openFolder(writesDocument: Bool) throws {
    try onFirst {
      try folder.make()
      if writesDocument { try folder.write(inputs.document, readFrom: documentPath) }
    }
    (hasFolder, leavesDocument) = (true, writesDocument)
  }

  /// Local work of rank 0 whose failure all ranks learn of.
  func onFirst(_ body: () throws -> Void) throws {
    try session.together { if isFirst { try body() } }
  }

  /// Makes sure that every rank was given the same document, and names a key that differs.
  static func requireAgreement(on document: RunDocument, communicator: any Communicator) throws {
    let values = document.sharedValues
    do throws(CommunicationError) {
      let text = values.map { "\($0.key): \($0.value)\n" }.joined()
      let digest = SHA256.hash(data: Data(text.utf8))
      try communicator.requireAgreement(on: "run document", digest: Array(digest))
    } catch {
      guard error.code == .disagreement else { throw error }
      for (key, value) in values { try communicator.requireAgreement(on: key, digest: value) }
      throw error
    }
  }

  /// Whether the run can end with the layout that its document asks for.
  var layoutCheck: LayoutCheck { LayoutCheck(document: inputs.document, model: inputs.model.shape) }

  var allocationSettings: AllocationSettings { inputs.document.allocationSettings }

  var scoreStage: ScoreStage { ScoreStage(session: session, resources: resources, recorder: recorder) }

  /// What scoring of a calibration set saves while it goes on.
  func scoringState(_ inputs: Inputs) throws -> ScoringState {
    // Products in another type would be other scores.
    let arithmetic = resources.usesBFloat16 ? "bf16" : "f32"
    return ScoringState(
      store: StateStore(folder: folder.path, name: "score", session: session),
      digest: try stateDigest(.scores, with: [inputs.dataHash, arithmetic]), blueprint: inputs.model.blueprint,
      lengths: inputs.sequences.map(\.count))
  }

  /// Scores, and leaves scores.safetensors.
  func score() throws -> ScoreTable {
    if isFinished("score") { return try scores(at: folder.scores) }
    let saved = try scoringState(inputs)
    let (table, objective) = try scoreStage.run(inputs, state: saved)
    note(table)
    if let objective {
      let value = String(format: "%.6g", objective)
      session.console.say("objective \(inputs.document.scoring.objective.rawValue): \(value)")
    }
    try onFirst { try table.write(to: folder.scores) }
    try finish("score", files: [RunFolder.scoresName])
    try saved.store.remove()
    return table
  }

  /// Chooses the units to keep, and leaves plan.json.
  func allocate(_ table: ScoreTable) throws -> PruningPlan {
    if let phase = state?.phase("allocate"), phase.files[RunFolder.planName] != nil { return try plan(at: folder.plan) }
    let plan = try recorder.run("allocate") {
      try session.together { try makePlan(table) }
    }
    try keep(plan)
    try finish("allocate", files: [RunFolder.planName])
    return plan
  }

  /// What allocation makes of scores.
  func makePlan(_ table: ScoreTable) throws -> PruningPlan {
    try Allocation.allocate(table, layers: inputs.model.blueprint.prunableLayers, settings: allocationSettings)
  }

  /// Goes on with a plan, the same on every rank, and leaves plan.json.
  func keep(_ plan: PruningPlan) throws {
    try session.communicator.requireAgreement(on: "plan", digest: try plan.digest())
    try onFirst { try folder.write(plan) }
    try note(plan)
  }

  /// A plan made before, checked against this model.
  func plan(at path: String) throws -> PruningPlan {
    let plan = try session.together {
      try PruningPlan(contentsOfFile: path).checked(
        against: inputs.model.blueprint.prunableLayers, modelHash: inputs.modelHash, file: path)
    }
    try session.communicator.requireAgreement(on: "plan", digest: try plan.digest())
    try note(plan)
    return plan
  }
}
