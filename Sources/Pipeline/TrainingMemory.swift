internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
internal import Foundation
internal import Transformers

/// What a rank that trains beside frozen weights can keep in memory: the weights in float32 from step to step, and the
/// inside of every layer from the forward to the backward sweep. What does not fit is loaded, or computed, again.
struct TrainingMemory {
  /// The same on every rank.
  let keepsWeights: Bool
  let keepsActivations: Bool

  /// Decides by the limit of the document, or by half of the host's memory shared by its ranks. Collective.
  ///
  /// - Parameters:
  ///   - models: whose weights are needed in every step.
  ///   - tokens: of this rank in a pass.
  init(_ models: [Model], tokens: Int, limit: ByteSize?, ranksOnThisHost: Int, communicator: any Communicator) throws {
    let available = limit?.bytes ?? Int(ProcessInfo.processInfo.physicalMemory) / 2 / max(1, ranksOnThisHost)
    let weights = models.reduce(0) { $0 + WidenedWeights.byteCount($1.blueprint) }
    let inside = models.first.map { model in
      model.blueprint.layers.reduce(0) {
        $0 + MemoryPlan.floatsPerToken($1, hiddenSize: model.blueprint.hiddenSize) * 4 * tokens
      }
    }
    let activations = inside ?? 0
    // A quarter stays for the head's parts and for what else a step needs.
    let room = available / 4 * 3
    keepsWeights = try communicator.maximum(of: weights <= room ? 0 : 1) == 0
    keepsActivations = activations <= room - (keepsWeights ? weights : 0)
  }
}
