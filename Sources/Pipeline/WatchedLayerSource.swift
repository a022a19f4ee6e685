internal import Artifacts
internal import Architectures
internal import Blueprints
internal import Communication
internal import LayerStreaming
internal import Transformers

/// A source that tells the heartbeat of every layer that a pass comes to, and of the time that it waits for one from
/// another rank.
final class WatchedLayerSource: LayerSource {
  /// Where weights come from.
  let base: any LayerSource
  private let heartbeat: Heartbeat
  private let layers: Int
  private let waits: Bool

  init(_ base: any LayerSource, layers: Int, heartbeat: Heartbeat) {
    (self.base, self.layers, self.heartbeat) = (base, layers, heartbeat)
    waits = base is BroadcastLayerSource
  }

  func begin(_ schedule: [WeightGroup]) throws {
    try noting { try base.begin(schedule) }
  }

  func weights(of group: WeightGroup) throws -> GroupWeights {
    switch group {
    case .layer(let index): heartbeat.tick(place: "layer \(index + 1) of \(layers)")
    default: heartbeat.tick(place: "\(group)")
    }
    return try noting { try base.weights(of: group) }
  }

  func batchDone() { heartbeat.tick() }

  private func noting<Value>(_ body: () throws -> Value) rethrows -> Value {
    guard waits else { return try body() }
    heartbeat.beginWait()
    defer { heartbeat.endWait() }
    return try body()
  }
}
