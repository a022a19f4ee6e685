internal import Artifacts
internal import Communication
internal import Evaluation

/// What a run has done so far, in state/run.json: phases that are over are not computed again by the same command.
extension Run {
  /// What this run's result depends on, with nothing done yet.
  ///
  /// - Parameter result: what the verb leaves; nil for the text that the model writes.
  func emptyState(_ verb: String, result: RunResult?, reads: [RunState.Entry]) -> RunState {
    let document = inputs.document
    var texts: [(key: String, files: [String], hash: String)] = [
      ("model", [document.model], inputs.modelHash),
      ("calibration.text", document.calibration.text + document.selection.texts, inputs.candidatesHash),
      ("selection.held-out", document.selection.heldOut.map { [$0] } ?? [], inputs.heldOutHash),
    ]
    texts += [
      ("tuning.text", document.tuningText, inputs.tuningHash),
      ("recovery.text", document.recoveryText, inputs.recoveryHash),
      ("recovery.teacher", document.recovery.teacher.map { [$0] } ?? [], inputs.teacherHash),
      ("evaluation.text", document.evaluation.text.map { [$0] } ?? [], inputs.windowsHash),
    ]
    if !inputs.prompts.isEmpty { texts.append(("generation.text", document.generationText, inputs.promptsHash)) }
    let keys = result.map { document.values(changing: $0) } ?? document.valuesChangingGeneration
    return RunState(
      verb: verb, version: Session.version,
      keys: keys.map { RunState.Entry(name: $0.key, value: $0.value) },
      inputs: texts.map { text in
        RunState.Entry(name: text.key, value: text.hash, files: text.files)
      } + reads)
  }

  /// The state that an unfinished run left, when it is this run's; nil when there is nothing to go on with. Collective.
  ///
  /// - Throws: ``RunFolderError``, shared by all ranks, when it is another run's, naming the first difference.
  func earlierState(_ own: RunState) throws -> RunState? {
    let found = isFirst ? folder.runStateBytes : nil
    let bytes = try session.communicator.broadcast(found.map { [folder.hasStageState ? 1 : 0] + $0 } ?? [], root: 0)
    guard let hasStageState = bytes.first else { return nil }
    guard let state = RunState(json: Array(bytes.dropFirst())) else {
      session.console.say("\(folder.runState): damaged; \(own.verb) starts anew")
      return nil
    }
    // A run that had come to nothing is in nobody's way.
    guard !state.phases.isEmpty || hasStageState == 1 else { return nil }
    if let difference = state.difference(to: own) {
      try session.together {
        throw RunFolderError(
          message:
            "\(folder.runState): there is an unfinished run of `\(state.verb)` here, \(difference); undo that to go "
            + "on with it, or start over (--fresh)")
      }
    }
    return try verified(state)
  }

  /// The state without phases whose files are not as they were left. Ranks share the reading. Collective.
  private func verified(_ state: RunState) throws -> RunState {
    let files = state.phases.flatMap { phase in
      phase.files.sorted { $0.key < $1.key }.map {
        (phase: phase.name, path: "\(folder.path)/\($0.key)", digest: $0.value)
      }
        + phase.outputFiles.sorted { $0.key < $1.key }.map {
          (phase: phase.name, path: "\(inputs.document.output)/\($0.key)", digest: $0.value)
        }
    }
    let communicator = session.communicator
    let damaged = stride(from: communicator.rank, to: files.count, by: communicator.size).filter { index in
      (try? FileDigest.sha256(files[index].path)) != files[index].digest
    }
    let all = try communicator.gather(Array(damaged.map(String.init).joined(separator: " ").utf8))
      .flatMap { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Int($0) } }.sorted()
    var state = state
    for index in all {
      session.console.say("\(files[index].path): not as it was left; \(files[index].phase) is run again")
      state.forget(from: files[index].phase)
    }
    return state
  }

  /// Whether a phase was over before this run began, or is by now.
  func isFinished(_ phase: String) -> Bool { state?.phase(phase) != nil }

  /// Notes that a phase is over, and all that is to be reported so far. Collective.
  ///
  /// - Parameters:
  ///   - files: what it left in the run folder, durably, by their paths in it.
  ///   - digests: of files whose SHA-256 is known, by their paths in the run folder.
  ///   - outputFiles: what it left in the output folder, with their SHA-256.
  func finish(
    _ phase: String, files: [String] = [], digests: [String: String] = [:], outputFiles: [String: String] = [:],
    numbers: [Double] = []
  ) throws {
    guard state != nil else { return }
    try session.together {
      var digests = digests
      if isFirst { for file in files { digests[file] = try FileDigest.sha256("\(folder.path)/\(file)") } }
      state?.finish(RunState.Phase(name: phase, files: digests, outputFiles: outputFiles, numbers: numbers))
    }
    try saveState()
  }

  /// Writes run.json with what is to be reported so far. Collective.
  func saveState() throws {
    guard state != nil else { return }
    let report = try currentReport()
    try onFirst {
      state?.report = report
      if let state { try folder.write(state) }
    }
  }

  /// What an earlier run measured in a phase; nil when it is to be measured.
  func measured(_ phase: String) -> Perplexity? {
    guard let numbers = state?.phase(phase)?.numbers, numbers.count == 2, let tokens = Int(exactly: numbers[1]) else {
      return nil
    }
    return Perplexity(negativeLogLikelihood: numbers[0], tokens: tokens)
  }
}
