internal import Artifacts

extension StateStore {
  /// Saves what training needs to go on.
  func save(_ state: TrainingState, digest: String) throws {
    try save(step: state.step, digest: digest, shared: state.shared, own: state.own)
  }

  /// The newest state of training; nil as ``load(digest:)``.
  func loadTraining(digest: String) throws -> TrainingState? {
    try load(digest: digest).map { TrainingState(step: $0.step, shared: $0.shared, own: $0.own) }
  }
}
