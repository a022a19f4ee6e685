internal import Artifacts
internal import Communication

extension StateStore {
  /// Saves what training needs to go on.
  func save(_ state: TrainingState, digest: String) throws {
    try save(step: state.step, digest: digest, shared: state.shared, own: state.own)
  }

  /// The newest state of training, whatever number of ranks saved it; nil as ``load(digest:)``.
  ///
  /// Residuals belong to ranks: on another number of them they are left behind, and the console says so. All that ranks
  /// share goes on: gates or adapters, moments, schedule, place in the text.
  func loadTraining(digest: String) throws -> TrainingState? {
    guard let loaded = try load(digest: digest) else { return nil }
    var line = "\(name): goes on after step \(loaded.step)"
    if loaded.ranks != session.communicator.size {
      line += ", which \(loaded.ranks) rank\(loaded.ranks == 1 ? "" : "s") saved"
    }
    if loaded.leavesOwn { line += "; what their lossy exchange had yet to make up for is dropped" }
    session.console.say(line)
    return TrainingState(step: loaded.step, shared: loaded.shared, own: loaded.own)
  }
}
