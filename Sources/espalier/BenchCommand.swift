import ArgumentParser
import Pipeline

/// Measurements of this machine and its links.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure what this machine and its links do.",
    subcommands: [
      KernelsBenchCommand.self, ScoringBenchCommand.self, LoadingBenchCommand.self, RepackingBenchCommand.self,
      ExchangeBenchCommand.self,
    ])
}

/// The exchange of gradients with every codec.
struct ExchangeBenchCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "exchange",
    abstract: "Sum gradients over ranks with every codec: bytes, speed, and the bandwidth at which each pays.",
    usage: "espalier bench exchange [<options>]")

  @Option(
    help: ArgumentHelp(
      "Gradients, F32: each tensor step.N is one, or all tensors together; may be given several times.",
      valueName: "file.safetensors"))
  var gradients: [String] = []

  @Option(help: ArgumentHelp("Values in a made-up gradient; 2,300,000 without it.", valueName: "count"))
  var count: Int?

  @Option(help: ArgumentHelp("Exchanges to time; 10, or one per gradient of the files.", valueName: "count"))
  var steps: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let count {
      guard gradients.isEmpty else {
        throw ValidationError("--count makes gradients up; leave it out with --gradients")
      }
      try requireNumber("--count", count, upTo: ExchangeBenchmark.maximumCount)
    }
    if let steps { try requireNumber("--steps", steps, upTo: 1_000_000) }
  }

  func prepare() throws -> PreparedCommand {
    let benchmark = try ExchangeBenchmark(
      gradients: gradients, count: count ?? ExchangeBenchmark.defaultCount, steps: steps)
    let json = json
    return PreparedCommand(
      name: "bench exchange", body: { try benchmark.run($0, json: json) }, isQuiet: true)
  }
}
