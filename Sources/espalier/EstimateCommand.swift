import ArgumentParser
import Artifacts
import Pipeline

/// What a run would take.
struct EstimateCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate",
    abstract: "Tell time, memory and traffic of each phase beforehand, for a model's config.json and any cluster.",
    discussion: "The model is a folder with a config.json, or that file; weights and texts need not be there.")

  @OptionGroup var options: RunOptions

  @Option(help: ArgumentHelp("Nodes; without it those that ranks run on.", valueName: "count"))
  var nodes: Int?

  @Option(help: ArgumentHelp("Ranks on each node.", valueName: "count"))
  var ranksPerNode: Int?

  @Option(help: ArgumentHelp("Cores of a rank; without it --threads, or those here.", valueName: "count"))
  var cores: Int?

  @Option(
    help: ArgumentHelp("GFLOP/s of a core in float32 products; measured here without it.", valueName: "number"))
  var gflops: Double?

  @Option(help: ArgumentHelp("Gb/s of a node's link.", valueName: "number"))
  var link = 10.0

  @Option(help: ArgumentHelp("MB/s of a node's disk.", valueName: "number"))
  var disk = 1000.0

  @Option(help: ArgumentHelp("Memory of a node, such as 512GiB.", valueName: "size"))
  var memory: String?

  @Option(
    help: ArgumentHelp(
      "How long messages go to all ranks: open-mpi, as version 4.1 chooses by itself, or pipelined (docs/estimate.md).",
      valueName: "name"))
  var collectives = EstimateRequest.Machines.collectiveNames[0]

  func validate() throws {
    for (option, value) in [("--nodes", nodes), ("--ranks-per-node", ranksPerNode), ("--cores", cores)] {
      if let value { try requireNumber(option, value, upTo: 100_000) }
    }
    for (option, value) in [("--gflops", gflops), ("--link", link), ("--disk", disk)] {
      guard let value, !(value > 0 && value < 1e9) else { continue }
      throw ValidationError("\(option) \(value): a number above 0 and below 1e9 is needed")
    }
    if let memory, ByteSize(memory) == nil {
      throw ValidationError("--memory \(memory): a size such as 512GiB is needed")
    }
    guard EstimateRequest.Machines.collectiveNames.contains(collectives) else {
      throw ValidationError(
        "--collectives \(collectives): one of \(EstimateRequest.Machines.collectiveNames.joined(separator: ", "))")
    }
  }

  func prepare() throws -> PreparedCommand {
    let machines = EstimateRequest.Machines(
      nodes: nodes, ranksPerNode: ranksPerNode, cores: cores, gigaflops: gflops, link: link, disk: disk,
      memory: memory.flatMap { ByteSize($0) }, collectives: collectives)
    let request = try EstimateRequest(options.resolved(), machines: machines)
    let json = options.json
    return PreparedCommand(name: "estimate", body: { try request.run($0, json: json) }, isQuiet: true)
  }
}
