import ArgumentParser
import Artifacts
import Pipeline

/// What a benchmark of the machine may use, where a run document would say more than it needs.
struct MachineOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads per rank, or auto.", valueName: "count"))
  var threads: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A key of a run document's resources, such as resources.backend=cpu.", valueName: "key=value"))
  var assignments: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  /// The document with these resources.
  func document(model: String?) throws -> RunDocument {
    var overrides = try assignments.map { try RunOverride(assignment: $0) }
    if let threads {
      overrides.append(RunOverride(key: "resources.threads", value: threads, source: "--threads \(threads)"))
    }
    // A document has a model, read or not.
    overrides.append(RunOverride(key: "model", value: model ?? ".", source: "--model \(model ?? ".")"))
    return try RunDocument(yaml: "{}", overrides: overrides)
  }
}

/// Products and loops by themselves.
struct KernelsBenchCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time products and loops in a model's shapes against the peak and the bandwidth measured here.",
    usage: "espalier bench kernels [<options>]")

  @Option(help: ArgumentHelp("Model whose shapes; SmolLM2-135M's and Llama-3.1-8B's without it.", valueName: "folder"))
  var model: String?

  @Option(help: ArgumentHelp("Tokens that go through a kernel together.", valueName: "count"))
  var tokens = KernelBenchmark.defaultTokens

  @Option(help: ArgumentHelp("Runs of a kernel, of which the best counts.", valueName: "count"))
  var repeats = KernelBenchmark.defaultRepeats

  @OptionGroup var options: MachineOptions

  func validate() throws {
    try requireNumber("--tokens", tokens, upTo: KernelBenchmark.maximumTokens)
    try requireNumber("--repeats", repeats, upTo: 1000)
  }

  func prepare() throws -> PreparedCommand {
    let benchmark = try KernelBenchmark(
      options.document(model: model), hasModel: model != nil, tokens: tokens, repeats: repeats)
    let json = options.json
    return PreparedCommand(name: "bench kernels", body: { try benchmark.run($0, json: json) }, isQuiet: true)
  }
}

/// Whole scoring passes.
struct ScoringBenchCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "scoring",
    abstract: "Time scoring passes over random tokens: tokens per second, share of the peak, memory.",
    discussion: "Sequences, their length and all settings are a run's; texts are not read and nothing is written.")

  @OptionGroup var options: RunOptions

  @Option(help: ArgumentHelp("Passes of each size, of which the median counts.", valueName: "count"))
  var repeats = ScoringBenchmark.defaultRepeats

  @Flag(help: "Also time parts of the sequences, of their length and of the layers, and fit lines.")
  var sweep = false

  func validate() throws { try requireNumber("--repeats", repeats, upTo: 1000) }

  func prepare() throws -> PreparedCommand {
    let benchmark = try ScoringBenchmark(options.resolved(), repeats: repeats, sweeps: sweep)
    let json = options.json
    return PreparedCommand(
      name: "bench scoring", body: { try benchmark.run($0, json: json) }, isQuiet: options.quiet)
  }
}

/// Opening a model and reading it.
struct LoadingBenchCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "loading", abstract: "Time the start-up with a model, and reading all its weights once.",
    usage: "espalier bench loading --model <folder> [<options>]")

  @Option(help: ArgumentHelp("Folder of the model.", valueName: "folder"))
  var model: String

  @Flag(help: "Ask the system to drop the model's files from memory first.")
  var cold = false

  @OptionGroup var options: MachineOptions

  func prepare() throws -> PreparedCommand {
    let benchmark = try LoadingBenchmark(options.document(model: model), cold: cold)
    let json = options.json
    return PreparedCommand(name: "bench loading", body: { try benchmark.run($0, json: json) }, isQuiet: true)
  }
}

/// The cut.
struct RepackingBenchCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "repacking",
    abstract: "Time the writing of a model cut by a random plan, and remove it again.",
    discussion: "The plan is allocated as a run's, by scores that scoring.seed draws. The output must be a new folder.")

  @OptionGroup var options: RunOptions

  func prepare() throws -> PreparedCommand {
    let benchmark = try RepackingBenchmark(options.resolved())
    let json = options.json
    return PreparedCommand(
      name: "bench repacking", body: { try benchmark.run($0, json: json) }, isQuiet: options.quiet)
  }
}

/// Refuses a number that an option does not take.
func requireNumber(_ option: String, _ value: Int, upTo most: Int) throws {
  guard (1...most).contains(value) else {
    throw ValidationError("\(option) \(value): a number from 1 to \(most) is needed")
  }
}
