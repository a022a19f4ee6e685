internal import Architectures
internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Repacking

extension Run {
  /// Writes the checkpoint into the prepared output folder, unless it is there.
  func repackOutput(_ model: Model, plan: PruningPlan?, edits: TensorEdits) throws {
    guard !isFinished("repack") else { return }
    try repack(model, plan: plan, edits: edits, to: inputs.document.output, into: prepared)
    prepared = nil
  }

  /// Writes a smaller, or changed, checkpoint into the prepared folder. Asked to end, it leaves between two shards, and those
  /// that are whole stay for the run that goes on; so they do when reading or writing fails, as on a full disk.
  ///
  /// - Parameters:
  ///   - plan: nil keeps every unit.
  ///   - path: where to; the folder that rank 0 has prepared.
  /// - Throws: ``StoppedError`` and ``CheckpointError``, shared by all ranks.
  func repack(
    _ model: Model, plan: PruningPlan?, edits: TensorEdits = TensorEdits(), to path: String,
    into prepared: OutputFolder?, phase: String = "repack"
  ) throws {
    let document = inputs.document
    let layout: CheckpointLayout? =
      switch document.repacking.layout {
      case .auto: nil
      case .perLayer: .perLayer
      case .native: .native
      }
    let repacker = Repacker(model, plan: plan, edits: edits, communicator: session.communicator)
    let provenance = Provenance(version: Session.version, planHash: try plan?.digest())
    let session = session
    var hooks = Repacker.Hooks(exitCode: ExitCode.code(for:), progress: session.console.progress)
    hooks.isCommon = ExitCode.isCommon
    hooks.say = session.console.say
    hooks.share = recorder.share
    hooks.keepsShards = { [ExitCode.stopped, ExitCode.inputOutput].contains(ExitCode.code(for: $0)) }
    hooks.pause = { whole, total in
      guard let signal = try session.signalToStop() else { return }
      throw StoppedError(signal: signal, saved: "\(phase) after \(whole) of \(total) weight files")
    }
    hooks.record = { [self] files, written in
      report.output = path
      report.parameters?.after = written.parameterCount
      report.bytes?.after = written.byteCount
      if path == folder.pruned {
        let files = files.map { ("pruned/\($0.key)", $0.value) }
        try finish(phase, digests: Dictionary(uniqueKeysWithValues: files))
      } else {
        try finish(phase, outputFiles: files)
      }
    }
    running = (phase, .now)
    defer { running = nil }
    _ = try recorder.run(phase, amount: Double(model.folder.totalBytes) / 1e6, unit: "MB") {
      try repacker.write(
        to: path, layout: layout, prepared: prepared, maximumShardBytes: document.repacking.shardSize.bytes,
        provenance: provenance, hooks: hooks)
    }
    running = nil
    // With its rate and memory.
    try saveState()
  }
}
