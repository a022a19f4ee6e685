internal import Architectures
internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Repacking

extension Run {
  /// Writes a smaller, or changed, checkpoint into the prepared folder.
  ///
  /// - Parameters:
  ///   - plan: nil keeps every unit.
  ///   - path: where to; the folder that rank 0 has prepared.
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
    let written = try recorder.run(phase, amount: Double(model.folder.totalBytes) / 1e6, unit: "MB") {
      try repacker.write(
        to: path, layout: layout, prepared: prepared, maximumShardBytes: document.repacking.shardSize.bytes,
        provenance: provenance, exitCode: ExitCode.code(for:), progress: session.console.progress)
    }
    report.output = path
    report.parameters?.after = written.parameterCount
    report.bytes?.after = written.byteCount
  }
}
