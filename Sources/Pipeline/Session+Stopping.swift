internal import Artifacts
internal import Transformers

/// Where passes leave when a signal asks for it.
extension Session {
  /// Ends the run when a signal asked for it. Collective.
  ///
  /// - Parameter saved: what the same command goes on from.
  /// - Throws: ``StoppedError``, on every rank.
  func stopIfAsked(saved: @autoclosure () -> String) throws {
    if let signal = try signalToStop() { throw StoppedError(signal: signal, saved: saved()) }
  }

  /// Tells how far a pass is, and ends it when a signal asks for it, for passes that save nothing themselves.
  var stoppableProgress: PassProgress {
    { [self] done, total in
      console.progress(done, of: total)
      try stopIfAsked(saved: "what earlier stages left")
    }
  }
}
