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

  private func checkCombinations(name: String) throws(RunDocumentError) {
    if scoring.criterion == .taylor, scoring.objective == .maxLogit {
      throw conflict(
        "scoring.objective", name,
        "found max-logit with the criterion taylor, which is defined on loss; remove the objective or use ntk")
    }
    if evaluation.stride > evaluation.window {
      throw conflict(
        origins["evaluation.stride"] == nil ? "evaluation.window" : "evaluation.stride", name,
        "found the stride \(evaluation.stride), expected 1 to the window of \(evaluation.window)")
    }
  }

  /// Folders that would destroy each other; only names are compared, links are the writer's to check.
  private func checkFolders(name: String, environment: RunEnvironment) throws(RunDocumentError) {
    let (modelParts, outputParts) = (environment.components(model), environment.components(output))
    let runParts = environment.components(runFolder)
    if modelParts.starts(with: outputParts) {
      throw conflict("output", name, "found \(RunValue.shortened(output)), which is or contains the model's folder")
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
