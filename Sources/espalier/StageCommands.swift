import ArgumentParser
import Artifacts
import Pipeline

/// The whole pipeline.
struct PruneCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Score, allocate, tune, repack, recover and evaluate: the whole pipeline.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  @Flag(help: "List the keys of a run document and leave.")
  var helpKeys = false

  func prepare() throws -> PreparedCommand {
    if helpKeys {
      return PreparedCommand(name: "prune --help-keys", body: { _ in RunDocument.schemaText() }, isQuiet: true)
    }
    return try options.prepare(
      "prune", needs: .ofPrune, isFresh: start.fresh
    ) {
      try $0.prune()
    }
  }
}

/// The best of several calibration sets.
struct SelectCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "select",
    abstract: "Choose the calibration text or seed by KL, and leave its scores.safetensors and plan.json.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  func prepare() throws -> PreparedCommand {
    try options.prepare("select", needs: [.calibration, .selection], isFresh: start.fresh) { try $0.selectOnly() }
  }
}

/// Scores alone.
struct ScoreCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Score every head and neuron, and leave scores.safetensors in the run folder.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  func prepare() throws -> PreparedCommand {
    try options.prepare("score", needs: [.calibration], isFresh: start.fresh) { try $0.scoreOnly() }
  }
}

/// A plan from scores.
struct AllocateCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "allocate", abstract: "Choose the units to keep, and leave plan.json in the run folder.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  @Option(help: ArgumentHelp("Scores to allocate by; the run folder's without it.", valueName: "file"))
  var scores: String?

  func prepare() throws -> PreparedCommand {
    let scores = scores
    return try options.prepare("allocate", needs: [], isFresh: start.fresh) { try $0.allocateOnly(scores: scores) }
  }
}

/// Training text by the model itself.
struct GenerateCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Let the dense model write training text, and leave generated.safetensors in the run folder.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  func prepare() throws -> PreparedCommand {
    try options.prepare("generate", needs: [.generation], isFresh: start.fresh) { try $0.generateOnly() }
  }
}

/// Gates from scores.
struct TuneCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Tune gates from scores, and leave gates.safetensors and the tuned plan.json in the run folder.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  @Option(help: ArgumentHelp("Scores that gates start from; the run folder's without it.", valueName: "file"))
  var scores: String?

  @Option(
    help: ArgumentHelp("Keep rank 0's gradients of the first steps, for `bench exchange`.", valueName: "file"))
  var gradients: String?

  func prepare() throws -> PreparedCommand {
    let (scores, gradients) = (scores, gradients)
    return try options.prepare("tune", needs: [.tuningSteps, .evaluation], isFresh: start.fresh) {
      try $0.tuneOnly(scores: scores, gradients: gradients)
    }
  }
}

/// A checkpoint from a plan.
struct RepackCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "repack", abstract: "Write the smaller checkpoint that a plan leaves.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  @Option(help: ArgumentHelp("The plan; the run folder's without it.", valueName: "file"))
  var plan: String?

  @Option(help: ArgumentHelp("Gates of that plan, to fold into the weights.", valueName: "file"))
  var gates: String?

  func prepare() throws -> PreparedCommand {
    let (plan, gates) = (plan, gates)
    return try options.prepare("repack", needs: [], isFresh: start.fresh) {
      try $0.repackOnly(plan: plan, gates: gates)
    }
  }
}

/// A better checkpoint from a pruned one.
struct RecoverCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover", abstract: "Train low-rank adapters on a pruned model, and write it with them merged.")

  @OptionGroup var options: RunOptions
  @OptionGroup var start: StartOptions

  @Option(
    help: ArgumentHelp("Keep rank 0's gradients of the first steps, for `bench exchange`.", valueName: "file"))
  var gradients: String?

  func prepare() throws -> PreparedCommand {
    let gradients = gradients
    return try options.prepare("recover", needs: [.recoverySteps, .teacher, .evaluation], isFresh: start.fresh) {
      try $0.recoverOnly(gradients: gradients)
    }
  }
}

/// Perplexity.
struct EvaluateCommand: StageCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a model's perplexity, and that of what a plan would leave of it.")

  @OptionGroup var options: RunOptions

  @Option(help: ArgumentHelp("A plan to apply as a mask, to compare.", valueName: "file"))
  var plan: String?

  func prepare() throws -> PreparedCommand {
    let plan = plan
    return try options.prepare(plan == nil ? "evaluate" : "evaluate --plan", needs: [.evaluation, .evaluationText]) {
      try $0.evaluateOnly(plan: plan)
    }
  }
}
