internal import Blueprints
internal import Communication
internal import Transformers

/// Tells a trace which layer a pass is at: between two requests for weights it computes with the first one's.
struct PassSteps {
  let trace: Trace?
  /// The layers of the pass so far: one that comes a second time is gone through backward.
  private var seen: Set<WeightGroup> = []

  init(_ trace: Trace?) { self.trace = trace }

  /// A pass begins.
  mutating func begin() {
    trace?.endStep()
    seen = []
  }

  /// A pass asks for the weights of a group, which `wait` gives.
  mutating func next(_ group: WeightGroup, _ wait: () throws -> GroupWeights) rethrows -> GroupWeights {
    guard let trace else { return try wait() }
    trace.endStep()
    let start = ContinuousClock.now
    let weights = try wait()
    if start.duration(to: .now) >= Self.least {
      trace.record("await \(group.name)", .waiting, on: .main, from: start, bytes: weights.byteCount)
    }
    trace.beginStep(seen.insert(group).inserted ? "\(group.name) forward" : "\(group.name) backward")
    return weights
  }

  /// Shorter waits are no waits.
  private static let least = Duration.microseconds(100)
}

extension WeightGroup {
  /// As traces call it.
  var name: String {
    switch self {
    case .embedding: "embedding"
    case .layer(let index): "layer \(index)"
    case .encoderEnd: "encoder end"
    case .head: "head"
    }
  }
}
