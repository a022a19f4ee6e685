internal import Artifacts
internal import Architectures
internal import Blueprints
internal import Communication
internal import LayerStreaming
internal import Transformers

/// A source that tells the heartbeat of every layer that a pass comes to, and of the time that it waits for one from
/// another rank; where numbers overflow on any rank, the pass ends on all of them.
final class WatchedLayerSource: LayerSource {
  /// Where weights come from.
  let base: any LayerSource
  private let session: Session
  private var heartbeat: Heartbeat { session.heartbeat }
  private let layers: Int
  private let waits: Bool

  init(_ base: any LayerSource, layers: Int, session: Session) {
    (self.base, self.layers, self.session) = (base, layers, session)
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

  /// One number travels where all is well. Of several places the first in the model is told of, whichever rank's it is.
  func sweepDone(_ overflow: Overflow?) throws {
    let own = overflow.map { Double($0.order) } ?? .infinity
    let first = -(try session.communicator.maximum(of: -own))
    guard first < .infinity else { return }
    try session.together {
      if let overflow, own == first { throw overflow }
    }
  }

  private func noting<Value>(_ body: () throws -> Value) rethrows -> Value {
    guard waits else { return try body() }
    heartbeat.beginWait()
    defer { heartbeat.endWait() }
    return try body()
  }
}
