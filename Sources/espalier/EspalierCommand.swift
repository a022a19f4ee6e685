import ArgumentParser
import Pipeline

/// The command line. Each verb is a file; what they share is RunOptions.swift and Launch.swift.
struct EspalierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "espalier",
    abstract: "Prunes transformer language models on an MPI cluster, into checkpoints that load elsewhere.",
    discussion: """
      Start it alone for one rank, or under a launcher for many:

        mpirun -np 4 espalier prune run.yaml

      A run is a YAML document; `espalier prune --help-keys` lists its keys. Exit codes: 0 done, 64 wrong command line or \
      document, 65 damaged or unfitting input, 66 missing input, 69 ranks that do not fit together, 70 internal fault, \
      71 too little memory, 73 output cannot be created, 74 reading or writing failed, 75 ended by a signal after saving, \
      76 ended by the watchdog.
      """,
    version: Session.version,
    subcommands: [
      PruneCommand.self, SelectCommand.self, ScoreCommand.self, AllocateCommand.self, GenerateCommand.self,
      TuneCommand.self, RepackCommand.self, RecoverCommand.self, EvaluateCommand.self, ReportCommand.self,
      InspectCommand.self, TokenizeCommand.self, EstimateCommand.self, DoctorCommand.self, BenchCommand.self,
    ])
}

/// A verb whose work is done by all ranks: parsed and checked before the message library starts.
protocol RankedCommand: ParsableCommand {
  /// Reads and checks every input; runs on each rank by itself.
  func prepare() throws -> PreparedCommand
}

/// What is left to do once inputs are known to be good.
struct PreparedCommand {
  /// What the ranks must all have been asked for; the run document is compared by itself.
  let name: String
  /// The work; gives what rank 0 prints on standard output.
  let body: (Session) throws -> String
  /// Whether progress is told.
  let isQuiet: Bool
  /// Seconds after which a late rank ends the job; nil: it is waited for.
  var watchdog: Int?
  /// Seconds in which it has left after a signal.
  var stopWithin: Int?
}

extension RankedCommand {
  func run() throws { Launch.run(self) }
}

/// A stage of the pipeline, or all of them: what is done by the time that a signal comes is saved.
protocol StageCommand: RankedCommand {}

extension StageCommand {
  func run() throws { Launch.run(self, saves: true) }
}
