internal import Artifacts
internal import Communication
internal import Compute
internal import Saliency
internal import Transformers

/// Decides when scoring saves its state, and leaves when a signal asks for it.
final class ScoringSaver {
  private let session: Session
  private let state: ScoringState?
  private let interval: Double
  private var lastSave = ContinuousClock.now
  /// What the same command would go on from.
  private var saved: String
  private var isForward = true

  /// - Parameters:
  ///   - state: nil where nothing is saved.
  ///   - interval: seconds between two states at least.
  ///   - saved: what there was before, as in ``StoppedError/saved``.
  init(_ session: Session, state: ScoringState?, interval: Double, saved: String) {
    self.session = session
    self.state = state
    self.interval = interval
    self.saved = saved
  }

  /// Notes that scoring goes on from a state.
  func goesOn(from earlier: ScoringProgress) { saved = Self.text(earlier) }

  /// Tells how far scoring is. Of the forward sweep nothing is kept, so a signal ends it at once; after a layer of the
  /// backward sweep ``layerDone(_:batches:streams:backend:)`` has asked already.
  func progress(_ done: Int, of total: Int) throws {
    session.console.progress(done, of: total)
    if isForward { try session.stopIfAsked(saved: saved) }
  }

  /// Saves when it is time or a signal asks for the end, and then leaves. Collective.
  func layerDone(
    _ done: ScoringProgress, batches: [TokenBatch], streams: [Matrix], backend: any ComputeBackend
  ) throws {
    isForward = false
    let signal = try session.signalToStop()
    if let state, try signal != nil || isDue(after: done.layer) {
      try state.save(done, batches: batches, streams: streams, floats: backend.floats)
      saved = Self.text(done)
      lastSave = .now
    }
    if let signal { throw StoppedError(signal: signal, saved: saved) }
  }

  /// Whether it is time, by rank 0's clock.
  private func isDue(after layer: Int) throws -> Bool {
    // After the last one to come the scores themselves are written.
    guard layer > 0 else { return false }
    guard interval > 0 else { return true }
    let isDue = session.communicator.rank == 0 && lastSave.duration(to: .now).seconds >= interval
    return try session.communicator.maximum(of: isDue ? 1 : 0) > 0
  }

  private static func text(_ done: ScoringProgress) -> String { "score after layer \(done.layer)" }
}
