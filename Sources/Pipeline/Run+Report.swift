internal import Allocation
internal import Architectures
internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Foundation
internal import Repacking
internal import Tensors

/// What a run tells of itself, and of the artifacts that it read and made: each by its digest, so that what is told later
/// can be held against the files.
extension Run {
  /// Begins to tell of a verb.
  func begin(_ verb: String) {
    report.commands = [
      RunReport.Command(verb: verb, began: Self.now, settings: inputs.document.settings(of: verb))
    ]
  }

  /// Puts scores into the report.
  func note(_ scores: ScoreTable) {
    let (digest, calibration) = (scores.digest, inputs.calibration)
    let isOwn = !calibration.sequences.isEmpty && calibration.hash == scores.metadata.dataHash
    if isOwn || report.artifacts?.scores != digest {
      report.scoring = RunReport.Scoring(
        scores.metadata,
        calibration: !isOwn
          ? nil
          : RunReport.Calibration(
            text: calibration.text, seed: calibration.seed, sequences: calibration.sequences.count,
            length: calibration.sequences.map(\.count).max() ?? 0))
    }
    hold(.scores, digest)
  }

  /// Puts a plan's numbers into the report, and what the plan leaves of the model.
  func note(_ plan: PruningPlan) throws {
    report.sparsity = RunReport.Sparsity(requested: plan.requestedSparsity, achieved: plan.achievedSparsity)
    report.allocation = RunReport.Allocation(plan.allocation)
    warn(of: plan)
    report.layers = zip(plan.layers, inputs.model.blueprint.prunableLayers).map { kept, layer in
      RunReport.Layer(
        attention: RunReport.Kept(kept: kept.attention.count, total: layer.attentionUnits),
        mlp: RunReport.Kept(kept: kept.mlp.count, total: layer.mlpUnits))
    }
    let shape = inputs.model.shape.with(inputs.model.blueprint.keeping(plan))
    report.planned = RunReport.Planned(parameters: shape.parameterCount, bytes: shape.byteCount)
    hold(.plan, try plan.digest())
  }

  /// Warns of a plan that removes much more or less than was asked for; a later plan's warning takes the place of an
  /// earlier one's.
  private func warn(of plan: PruningPlan) {
    if let planWarning { report.warnings.removeAll { $0 == planWarning } }
    planWarning = AllocationGap(plan, layers: inputs.model.blueprint.prunableLayers)?.description
    guard let warning = planWarning, !report.warnings.contains(warning) else { return }
    report.warnings.append(warning)
    session.console.say("warning: \(warning)")
  }

  /// The model in the output folder, which the report tells of from now on.
  func writtenModel() throws -> Model {
    let model = try session.together { try Model(path: inputs.document.output) }
    note(.output, model.folder.modelHash())
    return model
  }

  /// From now on the report tells of this artifact, and ranks compare it at the beginning of each phase.
  func hold(_ artifact: RunReport.Artifact, _ digest: String) {
    recorder.hold(artifact.rawValue, digest)
    note(artifact, digest)
  }

  func note(_ artifact: RunReport.Artifact, _ digest: String?) {
    var artifacts = report.artifacts ?? RunReport.Artifacts()
    artifacts[artifact] = digest
    report.artifacts = artifacts
  }

  /// The report with every rank's times and memory. Collective.
  func finishedReport() throws -> RunReport {
    report = try currentReport()
    report.predictedTrafficBytes = recorder.predictedTraffic(ranks: session.communicator.size)
    let broadcasts = session.trace.broadcasts
    let all = try session.communicator.sum(of: broadcasts.all.seconds)
    let underCompute = try session.communicator.sum(of: broadcasts.underCompute.seconds)
    if all > 0 { report.overlap = underCompute / all }
    if hasFolder { try traceFile.write(to: folder.trace) }
    if var command = report.commands?.popLast() {
      (command.ended, command.warnings, command.made) = (Self.now, report.warnings, made)
      report.commands?.append(command)
    }
    return report
  }

  /// The report so far, with what the run that this one continues took. Collective.
  func currentReport() throws -> RunReport {
    var report = report
    report.phases = RunReport.joined(earlier?.phases ?? [], try recorder.gathered())
    if let running {
      let seconds = try session.communicator.gather(running.start.duration(to: .now).seconds)
      report.phases = RunReport.joined(report.phases, [RunReport.Phase(name: running.phase, seconds: seconds)])
    }
    report.peakBytes = try recorder.gatheredPeakBytes()
    if let before = earlier?.peakBytes, before.count == report.peakBytes.count {
      report.peakBytes = zip(report.peakBytes, before).map(max)
    }
    report.trafficBytes =
      Int(try session.communicator.sum(of: Double(recorder.trafficBytes))) + (earlier?.trafficBytes ?? 0)
    return report
  }

  /// Leaves report.json and report.html of what this verb did and of what stays true of earlier ones in the folder, and
  /// gives that report, on rank 0. Collective.
  func leave(_ own: RunReport) throws -> RunReport {
    report = own
    try onFirst {
      note(.metrics, report.training == nil ? nil : try? FileDigest.sha256(folder.metrics))
      note(.generated, report.generated == nil ? nil : try? FileDigest.sha256(folder.generated))
      note(.document, leavesDocument ? try? FileDigest.sha256(folder.document) : nil)
      if let earlier = folder.lastReport { report = report.continuing(earlier) }
      try folder.write(report)
    }
    return report
  }

  /// Tells a run folder that has a report without it what its plan comes to, on rank 0.
  func tellFolder(_ own: RunReport) throws {
    guard let earlier = folder.lastReport, earlier.perplexity?.after == nil,
      let plan = own.artifacts?.plan, plan == earlier.artifacts?.plan
    else { return }
    let report = own.continuing(earlier).retiring([])
    guard report.perplexity?.after != nil, let lock = try? folder.lock("evaluate") else { return }
    defer { lock.release() }
    try folder.write(report)
  }

  /// The time with its zone: `2026-11-28T15:42:12+01:00`.
  private static var now: String {
    Date.now.formatted(Date.ISO8601FormatStyle(timeZoneSeparator: .colon, timeZone: .current))
  }

  /// What this verb left, from the files of its phases, by ``RunReport/Artifact``.
  private var made: [String] {
    let phases = state?.phases ?? []
    let files = Set(phases.flatMap(\.files.keys))
    let artifacts: [(RunReport.Artifact, Bool)] = [
      (.scores, files.contains(RunFolder.scoresName)), (.plan, files.contains(RunFolder.planName)),
      (.gates, files.contains(RunFolder.gatesName)), (.output, phases.contains { !$0.outputFiles.isEmpty }),
      (.generated, report.generated != nil), (.document, leavesDocument),
      (.perplexity, state == nil && report.perplexity != nil),
    ]
    return artifacts.filter(\.1).map(\.0.rawValue)
  }
}
