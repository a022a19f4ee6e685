import Architectures
import Artifacts
import Checkpoints
import Communication
import Foundation
import Repacking
import TestSupport

/// A model and what plan and edits made of it in a folder.
struct Repacked {
  let model: Model
  /// Holds `out`, the checkpoint.
  let parent: TemporaryFolder
  let result: RepackedCheckpoint

  var path: String { parent.file("out") }

  init(
    _ model: Model, _ plan: PruningPlan?, edits: TensorEdits = TensorEdits(), layout: CheckpointLayout? = nil,
    maximumShardBytes: Int = 1 << 30, communicator: any Communicator = SoloCommunicator()
  ) throws {
    self.model = model
    try plan?.checked(against: model.blueprint.prunableLayers)
    parent = try TemporaryFolder()
    result = try Self.write(
      model, plan, edits: edits, to: parent.file("out"), layout: layout, maximumShardBytes: maximumShardBytes,
      communicator: communicator)
  }

  /// Writes a checkpoint; `path` is rank 0's on every rank.
  static func write(
    _ model: Model, _ plan: PruningPlan?, edits: TensorEdits = TensorEdits(), to path: String,
    layout: CheckpointLayout?, maximumShardBytes: Int, communicator: any Communicator, prepared: OutputFolder? = nil,
    hooks: Repacker.Hooks = Repacker.Hooks(exitCode: { _ in 70 })
  ) throws -> RepackedCheckpoint {
    let prepared = try communicator.together {
      communicator.rank == 0 ? try prepared ?? OutputFolder(preparing: path, keepsShards: true) : nil
    }
    return try Repacker(model, plan: plan, edits: edits, communicator: communicator).write(
      to: path, layout: layout, prepared: prepared, maximumShardBytes: maximumShardBytes,
      provenance: Provenance(version: "1.2.3", planHash: plan == nil ? nil : "feed"), hooks: hooks)
  }

  /// The checkpoint as a model, which needs its folder no longer: mapped files outlive their names.
  func opened() throws -> Model { try withExtendedLifetime(parent) { try Model(path: path) } }

  /// The names in the checkpoint's folder, sorted.
  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

  func bytes(_ name: String) throws -> [UInt8] { try TemporaryFolder.bytes(of: path + "/" + name) }
}
