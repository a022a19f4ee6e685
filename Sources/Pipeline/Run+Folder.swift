internal import Artifacts
internal import Checkpoints
internal import Foundation
internal import Tensors

/// A verb in its run folder: one run at a time, from where the last one was cut short.
extension Run {
  /// Takes the run folder's lock, goes on from what an unfinished run of the same verb, document, model and texts left
  /// there, and runs `body`, which skips what is over. Collective.
  ///
  /// The state stays when `body` fails, and is removed when it succeeds.
  ///
  /// - Parameters:
  ///   - result: what the verb leaves, nil for the text that the model writes: keys that change nothing of it may differ from
  ///     the unfinished run's.
  ///   - reads: artifacts that the verb reads, with their hashes.
  ///   - writesOutput: whether there is an output folder to prepare, which `body` hands on to ``repack(_:plan:edits:to:into:phase:)``.
  ///   - writesDocument: whether run.yaml is left.
  /// - Throws: ``RunFolderError``, shared by all ranks, when another run is in the folder.
  func inFolder(
    _ verb: String, result: RunResult?, reads: [RunState.Entry] = [], writesOutput: Bool = false,
    writesDocument: Bool = true, body: () throws -> Void
  ) throws -> RunReport {
    var lock: FileLock?
    var made: [String] = []
    begin(verb)
    do {
      try onFirst {
        try checkPlaces(writesOutput: writesOutput)
        made = folder.missingFolders
        // Where no run has been, nothing is made before it is known that the output can be.
        if writesOutput, !made.isEmpty { try checkOutput() }
        try folder.make()
        lock = try folder.lock(verb)
        if isFresh { try folder.removeState() }
      }
      try begin(
        emptyState(verb, result: result, reads: reads), writesOutput: writesOutput, writesDocument: writesDocument)
      try body()
      let report = try leave(try finishedReport())
      try onFirst { try folder.removeState() }
      leave(lock, made)
      return report
    } catch {
      prepared?.discard()
      // Nothing to go on with is nothing to keep.
      if isFirst, state?.phases.isEmpty == true, !folder.hasStageState { try? folder.removeState() }
      // What it replaced is not what the page of the run before tells of.
      if isFirst, lock != nil { folder.redrawPage() }
      leave(lock, made)
      throw error
    }
  }

  /// Looks for what an unfinished run left, prepares the output, and begins to note what is done.
  private func begin(_ own: RunState, writesOutput: Bool, writesDocument: Bool) throws {
    var state = own
    if let earlier = try earlierState(own) {
      state = earlier
      state.resumed += 1
      goOn(from: state)
    }
    if writesOutput {
      if state.phase("repack") == nil {
        prepared = try prepareOutput()
      } else {
        try onFirst { try OutputFolder.finish(leftBehind: inputs.document.output) }
      }
    }
    try openFolder(writesDocument: writesDocument)
    self.state = state
    try saveState()
    if isFirst { folder.redrawPage() }
    announce()
    let names = state.phases.map(\.name).joined(separator: ", ")
    if !names.isEmpty { session.console.say("continues: \(names) done") }
  }

  /// Takes over what an earlier run had to report.
  private func goOn(from state: RunState) {
    let resources = report.resources
    if let earlier = state.report {
      let commands = report.commands
      (report, self.earlier) = (earlier, earlier)
      report.resources = resources
      report.commands = earlier.commands ?? commands
    }
    report.resumed = state.resumed
  }

  private func leave(_ lock: FileLock?, _ made: [String]) {
    lock?.release()
    if lock != nil || isFirst { RunFolder.removeEmpty(made) }
  }
}
