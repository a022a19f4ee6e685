import Architectures
import Artifacts
import Checkpoints
import Communication
import Foundation
import Repacking
import TestSupport

/// A model and what a plan left of it in a folder.
struct Repacked {
  let model: Model
  let plan: PruningPlan
  /// Holds `out`, the checkpoint.
  let parent: TemporaryFolder
  let result: RepackedCheckpoint

  var path: String { parent.file("out") }

  init(
    _ model: Model, _ plan: PruningPlan, layout: CheckpointLayout? = nil, maximumShardBytes: Int = 1 << 30,
    communicator: any Communicator = SoloCommunicator()
  ) throws {
    self.model = model
    self.plan = try plan.checked(against: model.blueprint.prunableLayers)
    parent = try TemporaryFolder()
    result = try Self.write(
      model, plan, to: parent.file("out"), layout: layout, maximumShardBytes: maximumShardBytes,
      communicator: communicator)
  }

  /// Writes a checkpoint; `path` is rank 0's on every rank.
  static func write(
    _ model: Model, _ plan: PruningPlan, to path: String, layout: CheckpointLayout?, maximumShardBytes: Int,
    communicator: any Communicator, prepared: OutputFolder? = nil
  ) throws -> RepackedCheckpoint {
    let prepared = try communicator.together {
      communicator.rank == 0 ? try prepared ?? OutputFolder(preparing: path) : nil
    }
    return try Repacker(model, plan: plan, communicator: communicator).write(
      to: path, layout: layout, prepared: prepared, maximumShardBytes: maximumShardBytes,
      provenance: Provenance(version: "1.2.3", planHash: "feed"), exitCode: { _ in 70 })
  }

  /// The names in the checkpoint's folder, sorted.
  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

  func bytes(_ name: String) throws -> [UInt8] { try TemporaryFolder.bytes(of: path + "/" + name) }
}
