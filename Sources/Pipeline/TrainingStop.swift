internal import Artifacts

/// The state of a stage that trains, and the stage's end when a signal asks for it.
final class TrainingStop {
  private let session: Session
  private let state: StateStore
  private let digest: String
  private var signal: Int32?
  /// What the same command goes on from, as in ``StoppedError/saved``.
  private(set) var saved: String

  init(_ session: Session, state: StateStore, digest: String) {
    self.session = session
    self.state = state
    self.digest = digest
    saved = "nothing of \(state.name) yet"
  }

  /// The newest state to go on from.
  func load() throws -> TrainingState? {
    let state = try state.loadTraining(digest: digest)
    if let state { note(state) }
    return state
  }

  /// Whether a signal asked for the end, so that the state is to be saved now. Collective.
  func isAsked() throws -> Bool {
    signal = try session.signalToStop()
    return signal != nil
  }

  /// Saves, and leaves when a signal asked for it.
  ///
  /// - Throws: ``StoppedError``, on every rank.
  func save(_ training: TrainingState) throws {
    try state.save(training, digest: digest)
    note(training)
    if let signal { throw StoppedError(signal: signal, saved: saved) }
  }

  private func note(_ training: TrainingState) { saved = "\(state.name) after step \(training.step)" }
}
