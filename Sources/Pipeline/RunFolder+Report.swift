internal import Artifacts
internal import Checkpoints
internal import Foundation
internal import Reporting
internal import Tensors

/// report.json and report.html.
extension RunFolder {
  /// The report that lies here; nil when there is none, or none that can be read.
  var lastReport: RunReport? { try? FinishedRun.report(at: report) }

  /// Writes report.json, and report.html beside it.
  func write(_ report: RunReport) throws {
    try DurableFile.write(try report.json(), to: self.report)
    try writePage(report, notes: leftovers(report))
  }

  /// Draws report.html of the report that lies here, where there is one, as the files beside it are now.
  func redrawPage() {
    guard FileManager.default.fileExists(atPath: report) else { return }
    _ = try? FinishedRun(folder: path).writePage()
  }

  /// Writes report.html. Steps are looked for only where the report says that something was trained: an earlier run may
  /// have left a metrics.jsonl.
  ///
  /// - Parameter notes: what the page says of the files beside it.
  func writePage(_ report: RunReport, notes: [String]) throws {
    let hasSteps =
      report.training?.isEmpty == false && (report.artifacts == nil || report.artifacts?.metrics != nil)
      && FileManager.default.fileExists(atPath: metrics)
    let hasDocument =
      (report.artifacts == nil || report.artifacts?.document != nil) && FileManager.default.fileExists(atPath: document)
    let html = try HTMLReport(
      report: report, steps: hasSteps ? try TrainingStep.read(contentsOfFile: metrics) : [],
      resolvedYAML: hasDocument ? String(decoding: try RunDocument.bytes(ofFile: document), as: UTF8.self) : "",
      runFolder: path, notes: notes
    ).html()
    try DurableFile.write([UInt8](html.utf8), to: page)
  }

  /// What the report tells without what is not so any more, and a line on each thing that is not.
  func compared(_ report: RunReport) -> (report: RunReport, notes: [String]) {
    var notes: [String] = []
    if let bytes = runStateBytes {
      let command = RunState(json: bytes)?.report?.commands?.last
      let run = command.map { "`\($0.verb)`, which began \(RunReport.readable($0.began))," } ?? "A run in this folder"
      notes.append("\(run) has not ended; the same command goes on with it")
    }
    var stale: Set<RunReport.Artifact> = []
    for artifact in RunReport.Artifact.allCases {
      guard let change = change(of: artifact, in: report) else { continue }
      stale.insert(artifact)
      notes.append(change)
    }
    let told = report.retiring(stale)
    return (told, notes + leftovers(report))
  }

  /// What became of an artifact that the report tells of; nil where it is as it was, or gone, or was read from elsewhere.
  private func change(of artifact: RunReport.Artifact, in report: RunReport) -> String? {
    // Older reports have no digests.
    if artifact == .plan, report.artifacts == nil { return changeOfOlderPlan(report) }
    guard let digest = report.artifacts?[artifact], artifact == .metrics || report.made.contains(artifact.rawValue),
      let file = file(of: artifact, in: report), FileManager.default.fileExists(atPath: file),
      self.digest(of: artifact, at: file) != digest
    else { return nil }
    let name = artifact == .output ? file : (file as NSString).lastPathComponent
    return switch artifact {
    case .plan: "\(name) is not the plan that this page tells of: what was told of that one is left out; \(planNow)"
    case .metrics: "\(name) is of another training; curves are left out"
    case .document: "\(name) has changed since; it is left out"
    default: "\(name) is not what this page tells of; what was told of its making is left out"
    }
  }

  private func changeOfOlderPlan(_ report: RunReport) -> String? {
    guard let told = report.sparsity, let plan = try? PruningPlan(contentsOfFile: plan),
      plan.achievedSparsity != told.achieved || plan.requestedSparsity != told.requested
    else { return nil }
    return "\(Self.planName) is not the plan that this page tells of: what was told of that one is left out; \(planNow)"
  }

  /// What the plan that lies here comes to, in words.
  private var planNow: String {
    guard let plan = try? PruningPlan(contentsOfFile: plan) else { return "the one that is there cannot be read" }
    return "the one that is there removes \(TableNumber.percent(plan.achievedSparsity)), asked for "
      + TableNumber.percent(plan.requestedSparsity)
  }

  private func file(of artifact: RunReport.Artifact, in report: RunReport) -> String? {
    switch artifact {
    case .scores: scores
    case .plan: plan
    case .gates: gates
    case .output: report.output.flatMap(place)
    case .metrics: metrics
    case .generated: generated
    case .document: document
    case .perplexity: nil
    }
  }

  /// The digest of what lies there now; nil when it cannot be read.
  private func digest(of artifact: RunReport.Artifact, at file: String) -> String? {
    switch artifact {
    case .scores: try? ScoreTable(contentsOfFile: file).digest
    case .plan: try? PruningPlan(contentsOfFile: file).digest()
    case .gates: try? GateValues(contentsOfFile: file).digest
    case .output: try? CheckpointFolder(path: file).modelHash()
    default: try? FileDigest.sha256(file)
    }
  }

  /// Where an output lies: a path is relative to the folder that a run was started in, which is mostly the one that the run
  /// folder lies in.
  private func place(_ output: String) -> String? {
    let beside = (path as NSString).deletingLastPathComponent + "/" + (output as NSString).lastPathComponent
    return [output, beside].first { FileManager.default.fileExists(atPath: $0) }
  }

  /// What lies in the folder that the report does not tell of, since it is of an earlier run.
  private func leftovers(_ report: RunReport) -> [String] {
    guard let artifacts = report.artifacts else { return [] }
    var known: [(name: String, what: String)] = []
    for (artifact, name, what) in [
      (RunReport.Artifact.scores, Self.scoresName, "of an earlier run"), (.plan, Self.planName, "an earlier plan"),
      (.gates, Self.gatesName, "of an earlier plan"), (.generated, Self.generatedName, "of an earlier run"),
      (.metrics, "metrics.jsonl", "of an earlier training"),
    ] {
      // What a verb read may have been another file.
      let isOther =
        artifacts[artifact] == nil
        || (artifact != .metrics && !report.made.contains(artifact.rawValue)
          && digest(of: artifact, at: "\(path)/\(name)") != artifacts[artifact])
      if isOther { known.append((name, what)) }
    }
    let isRecovered = report.training?.contains { $0.stage == RunReport.Training.recovery } ?? false
    if artifacts.output == nil || !isRecovered { known.append(("pruned", "the cut model of an earlier run")) }
    let files = known.filter { FileManager.default.fileExists(atPath: "\(path)/\($0.name)") }
      .map { "\($0.name) is \($0.what), and has no part in this" }
    return files + earlierOutput(report)
  }

  /// The output that another plan left, where this report's is not written.
  private func earlierOutput(_ report: RunReport) -> [String] {
    guard report.output == nil, let plan = report.artifacts?.plan else { return [] }
    let settings = (report.commands ?? []).reversed().flatMap(\.settings)
    let named = settings.first { $0.key == "output" }?.value
    guard let output = named ?? (path.hasSuffix(".run") ? String(path.dropLast(4)) : nil),
      let configuration = try? CheckpointFolder(path: output).configuration,
      let cut = configuration["pruned_by"]?["plan"]?.stringValue, cut != plan
    else { return [] }
    return ["\(output) is the model that an earlier plan left; `espalier repack` writes this one's"]
  }
}

extension RunReport {
  /// What the verbs made that is still told of.
  fileprivate var made: Set<String> { Set((commands ?? []).flatMap(\.made)) }
}
