internal import Architectures
internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Tensors

/// One thing that is looked at before a run's work.
struct RunCheck {
  let name: String
  /// Looks, and says what was found in one line. Collective; throws the same on every rank.
  let look: () throws -> String
}

/// What cannot succeed is refused before hours of work.
extension Run {
  /// What `prune` looks at before its work besides its inputs; `doctor` looks at the same, and at ``lookAtFolders()``.
  var checksBeforeWork: [RunCheck] {
    [
      RunCheck(name: "sparsity") { [self] in
        try checkPlan()
        return "\(TableNumber.percent(inputs.document.allocation.sparsity)) can be removed"
      },
      RunCheck(name: "memory limit") { [self] in
        try checkMemory()
        return inputs.document.resources.memoryLimit.map { "\($0) per rank suffice" } ?? "none is set"
      },
    ]
  }

  /// Refuses a sparsity that the floors forbid, a layout that the method does not leave, and a limit too small.
  func checkFeasibility() throws { for check in checksBeforeWork { _ = try check.look() } }

  /// Makes sure that a plan can be made.
  private func checkPlan() throws {
    try session.together {
      try layoutCheck.requireReachable()
      _ = try LayoutCheck.planWithoutScores(of: inputs.model.blueprint.prunableLayers, settings: allocationSettings)
    }
  }

  /// Makes sure that every candidate can be scored, and gates be tuned, within `resources.memory-limit`.
  func checkMemory() throws {
    var inputs = inputs
    for candidate in inputs.candidates {
      inputs.calibration = candidate
      try scoreStage.checkMemory(inputs)
    }
    if let text = inputs.tuningText {
      _ = try TuneStage(session: session, resources: resources, recorder: recorder).memory(inputs, text: text)
    }
  }

  /// Makes sure, on one rank, that no folder lies in another that must not.
  func checkPlaces(writesOutput: Bool) throws {
    let document = inputs.document
    try RunPlaces.check(
      model: document.model, output: writesOutput ? document.output : nil, runFolder: document.runFolder)
  }

  /// Makes sure, on one rank, that the output folder can be prepared as far as can be seen.
  ///
  /// - Returns: the names of what is in it.
  @discardableResult
  func checkOutput() throws -> [String] {
    let document = inputs.document
    return try OutputFolder.check(document.output, overwrite: document.overwrite, sources: [document.model]) ?? []
  }

  /// What `prune` would find in its folders, without leaving anything there: what lies in what, another run, an unfinished
  /// one, and what stands where the output is to go.
  func lookAtFolders() -> [RunCheck] {
    var earlier: RunState?
    return [
      RunCheck(name: "run folder") { [self] in
        try onFirst {
          try checkPlaces(writesOutput: true)
          if folder.missingFolders.isEmpty { try folder.lock("doctor").release() }
        }
        earlier = try earlierState(emptyState("prune", result: .report, reads: []))
        let done = earlier?.phases.map(\.name).joined(separator: ", ") ?? ""
        return done.isEmpty ? "no unfinished run" : "goes on from an unfinished run: \(done) done"
      },
      RunCheck(name: "output") { [self] in
        // An unfinished run may have left its own.
        guard earlier?.phase("repack") == nil else { return "written by the unfinished run" }
        var count = 0
        try onFirst { count = try checkOutput().count }
        let files = TableNumber.counted(count, "file")
        return count == 0 ? "new" : "\(files) there, replaced by the run's (overwrite, or an unfinished write)"
      },
    ]
  }
}
