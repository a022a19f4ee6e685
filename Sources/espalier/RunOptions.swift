import ArgumentParser
import Artifacts
import Pipeline

/// The run document and the flags that stand above its keys, for every verb that takes a document.
struct RunOptions: ParsableArguments {
  @Argument(help: "The run document; without one, flags say everything.")
  var document: String?

  @Option(help: ArgumentHelp("Folder of the model to prune.", valueName: "folder"))
  var model: String?

  @Option(help: ArgumentHelp("Folder to write the pruned model to.", valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Folder for scores, plan and report.", valueName: "folder"))
  var runFolder: String?

  @Option(help: ArgumentHelp("Calibration text; may be given several times.", valueName: "file"))
  var calibrationText: [String] = []

  @Option(help: ArgumentHelp("Calibration sequences over all ranks.", valueName: "count"))
  var sequences: String?

  @Option(help: ArgumentHelp("Tokens in a calibration sequence.", valueName: "tokens"))
  var length: String?

  @Option(help: ArgumentHelp("Seed of the choice of sequences.", valueName: "number"))
  var seed: String?

  @Option(help: ArgumentHelp("ntk, taylor, magnitude or random.", valueName: "name"))
  var criterion: String?

  @Option(help: ArgumentHelp("Share of the prunable parameters to remove, such as 0.3.", valueName: "share"))
  var sparsity: String?

  @Option(help: ArgumentHelp("global, uniform or depth.", valueName: "name"))
  var method: String?

  @Option(
    help: ArgumentHelp("MLP's share removed over attention's; auto for the model's own ratio.", valueName: "ratio"))
  var gamma: String?

  @Option(help: ArgumentHelp("Text to measure perplexity on.", valueName: "file"))
  var evaluationText: String?

  @Option(help: ArgumentHelp("Tokens in an evaluation window.", valueName: "tokens"))
  var window: String?

  @Option(help: ArgumentHelp("Evaluation windows; all without it.", valueName: "count"))
  var limit: String?

  @Option(help: ArgumentHelp("Threads per rank, or auto.", valueName: "count"))
  var threads: String?

  @Option(help: ArgumentHelp("Memory per rank, such as 16GiB.", valueName: "size"))
  var memoryLimit: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Any key of the document, such as scoring.accumulation=absolute.", valueName: "key=value"))
  var assignments: [String] = []

  @Flag(help: "Replace an existing output.")
  var overwrite = false

  @Flag(help: "Print the report as JSON instead of a table.")
  var json = false

  @Flag(help: "Tell no progress.")
  var quiet = false

  /// The document with the flags above it, checked.
  func resolved() throws -> RunDocument {
    let overrides = try self.overrides()
    guard let document else {
      guard model != nil || overrides.contains(where: { $0.key == "model" }) else {
        throw RunDocumentError(.missingKey, "no run document and no --model; name one of them (espalier prune --help)")
      }
      return try RunDocument(yaml: "{}", overrides: overrides)
    }
    return try RunDocument(bytes: RunDocument.bytes(ofFile: document), name: document, overrides: overrides)
  }

  private func overrides() throws -> [RunOverride] {
    let single: [(flag: String, key: String, value: String?)] = [
      ("--model", "model", model), ("--output", "output", output), ("--run-folder", "run-folder", runFolder),
      ("--sequences", "calibration.sequences", sequences), ("--length", "calibration.length", length),
      ("--seed", "calibration.seed", seed), ("--criterion", "scoring.criterion", criterion),
      ("--sparsity", "allocation.sparsity", sparsity), ("--method", "allocation.method", method),
      ("--gamma", "allocation.gamma", gamma), ("--evaluation-text", "evaluation.text", evaluationText),
      ("--window", "evaluation.window", window), ("--limit", "evaluation.limit", limit),
      ("--threads", "resources.threads", threads), ("--memory-limit", "resources.memory-limit", memoryLimit),
      ("--overwrite", "overwrite", overwrite ? "true" : nil),
    ]
    var overrides = try assignments.map { try RunOverride(assignment: $0) }
    for (flag, key, value) in single {
      if let value { overrides.append(RunOverride(key: key, value: value, source: "\(flag) \(value)")) }
    }
    if !calibrationText.isEmpty {
      overrides.append(
        RunOverride(
          key: "calibration.text", values: calibrationText,
          source: "--calibration-text \(calibrationText.joined(separator: " "))"))
    }
    return overrides
  }
}

/// What verbs take that leave a state in the run folder, beside ``RunOptions``.
struct StartOptions: ParsableArguments {
  @Flag(help: "Forget what an unfinished run left in the run folder, and start over.")
  var fresh = false
}

extension RunOptions {
  /// Inputs checked now, `stage` run on all ranks later, and the report printed.
  func prepare(
    _ name: String, needs: Inputs.Needs, isFresh: Bool = false, stage: @escaping (Run) throws -> RunReport
  ) throws -> PreparedCommand {
    let inputs = try Inputs(try resolved(), needs: needs)
    let (documentPath, isJSON) = (document, json)
    return PreparedCommand(
      name: isFresh ? "\(name) --fresh" : name,
      body: { session in
        let report = try stage(try Run(inputs, session: session, documentPath: documentPath, isFresh: isFresh))
        return isJSON ? String(decoding: try report.json(), as: UTF8.self) : ReportTable(report).text
      }, isQuiet: quiet, watchdog: inputs.document.resources.watchdog,
      stopWithin: inputs.document.resources.stopWithin)
  }
}
