extension RunDocument {
  /// Fills in the defaults that depend on other keys, then checks what no single key can: the end of every way to make
  /// a document.
  mutating func resolve(name: String, environment: RunEnvironment) throws(RunDocumentError) {
    guard !model.isEmpty else {
      throw RunDocumentError(.missingKey, "\(name): model: missing; name the folder of the model to prune")
    }
    if origins["output"] == nil { output = environment.modelName(model) + "-pruned" }
    if origins["run-folder"] == nil { runFolder = Self.withoutTrailingSlashes(output) + ".run" }
    if origins["scoring.objective"] == nil {
      scoring.objective = scoring.criterion == .taylor ? .loss : .maxLogit
    }
    if origins["evaluation.stride"] == nil { evaluation.stride = evaluation.window }
    try checkCombinations(name: name)
    try checkFolders(name: name, environment: environment)
  }

  /// Checks that there is text to score on.
  ///
  /// A document may lack it, since not every stage and criterion reads it.
  ///
  /// - Throws: ``RunDocumentError`` when the criterion needs calibration text and the document has none.
  public func requireCalibrationText() throws(RunDocumentError) {
    guard calibration.text.isEmpty, scoring.criterion.usesCalibration else { return }
    throw RunDocumentError(
      .missingKey,
      "calibration.text: missing; the criterion \(scoring.criterion.rawValue) needs text (magnitude and random do not)")
  }

  /// The texts that the prompts of generation are of: its own, or without any the calibration's.
  public var generationText: [String] { generation.text.isEmpty ? calibration.text : generation.text }

  /// The texts that gates are tuned on: the tuning's, or without any the calibration's.
  public var tuningText: [String] { tuning.text.isEmpty ? calibration.text : tuning.text }

  /// The texts that recovery trains on: its own, or without any the tuning's.
  public var recoveryText: [String] { recovery.text.isEmpty ? tuningText : recovery.text }

  private func checkCombinations(name: String) throws(RunDocumentError) {
    if scoring.criterion == .taylor, scoring.objective == .maxLogit {
      throw conflict(
        "scoring.objective", name,
        "found max-logit with the criterion taylor, which is defined on loss; remove the objective or use ntk")
    }
    if scoring.exchange != .none, scoring.accumulation == .absolute {
      throw conflict(
        "scoring.exchange", name,
        "found \(scoring.exchange.rawValue) with the accumulation absolute, which exchanges no gradients; remove it or "
          + "use signed")
    }
    if allocation.method == .depth, let gamma = allocation.gamma {
      throw conflict(
        "allocation.gamma", name,
        "found \(gamma) with the method depth, which ranks attention and MLPs together; remove it")
    }
    if generation.prompt >= generation.length {
      throw conflict(
        origins["generation.prompt"] == nil ? "generation.length" : "generation.prompt", name,
        "found prompts of \(generation.prompt) tokens in sequences of \(generation.length), which leave nothing to write; "
          + "prompt has to be below length")
    }
    if tuning.steps > 0 { try checkGranularity(name: name) }
    if evaluation.stride > evaluation.window {
      throw conflict(
        origins["evaluation.stride"] == nil ? "evaluation.window" : "evaluation.stride", name,
        "found the stride \(evaluation.stride), expected 1 to the window of \(evaluation.window)")
    }
  }

  /// Gates open what the allocation keeps or removes: whole sublayers of a depth cut, else units or blocks.
  private func checkGranularity(name: String) throws(RunDocumentError) {
    let granularity = tuning.granularity
    if granularity == .sublayer, allocation.method != .depth {
      throw conflict(
        "tuning.granularity", name,
        "found sublayer with the allocation \(allocation.method.rawValue), which cuts inside of sublayers; use unit or "
          + "block, or allocation.method: depth")
    }
    if allocation.method == .depth, granularity != .sublayer {
      throw conflict(
        origins["tuning.granularity"] == nil ? "allocation.method" : "tuning.granularity", name,
        "found gates of the granularity \(granularity.rawValue) with the allocation depth, which removes whole "
          + "sublayers; set tuning.granularity: sublayer")
    }
    if granularity == .block, !tuning.block.isMultiple(of: allocation.roundTo) {
      throw conflict(
        origins["tuning.block"] == nil ? "tuning.granularity" : "tuning.block", name,
        "found blocks of \(tuning.block) neurons, no multiple of allocation.round-to (\(allocation.roundTo)); change one "
          + "of them")
    }
  }

  /// Folders that would destroy each other; only names are compared, links are the writer's to check.
  private func checkFolders(name: String, environment: RunEnvironment) throws(RunDocumentError) {
    let (modelParts, outputParts) = (environment.components(model), environment.components(output))
    let runParts = environment.components(runFolder)
    if modelParts.starts(with: outputParts) {
      throw conflict("output", name, "found \(RunValue.shortened(output)), which is or contains the model's folder")
    }
    if let teacher = recovery.teacher, environment.components(teacher).starts(with: outputParts) {
      throw conflict("output", name, "found \(RunValue.shortened(output)), which is or contains the teacher's folder")
    }
    if runParts == modelParts || runParts.starts(with: outputParts) {
      throw conflict(
        "run-folder", name,
        "found \(RunValue.shortened(runFolder)), which is the model's folder, the output, or inside the output")
    }
  }

  private func conflict(_ key: String, _ name: String, _ problem: String) -> RunDocumentError {
    RunDocumentError(.conflict, "\(origins[key] ?? name): \(key): \(problem)")
  }

  private static func withoutTrailingSlashes(_ path: String) -> Substring {
    var result = path[...]
    while result.count > 1, result.last == "/" { result = result.dropLast() }
    return result
  }
}
