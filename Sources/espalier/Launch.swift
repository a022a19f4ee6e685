import ArgumentParser
import Artifacts
import CPUCompute
import Communication
import Foundation
import Glibc
import MPICommunication
import Pipeline

/// Starts the program, on one rank or many, and ends it with one line and a documented exit code when something is wrong.
@main enum Launch {
  static func main() {
    do {
      var command = try EspalierCommand.parseAsRoot(CommandLineError.joined(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch {
      // Help and version come this way too.
      guard EspalierCommand.exitCode(for: error).isSuccess else { reject(CommandLineError(error)) }
      if MPISession.environmentRank ?? 0 > 0 { exit(ExitCode.success) }
      EspalierCommand.exit(withError: error)
    }
  }

  /// Prepares a command, starts the message library if a launcher started us, and runs the command on all ranks.
  ///
  /// - Parameter saves: whether the command saves what it did when it is asked to end; others end at a signal.
  static func run(_ command: some RankedCommand, saves: Bool = false) {
    requireThreads()
    let watch = RunWatch()
    if saves { watch.listen() }
    let prepared = Result { try command.prepare() }
    watch.heartbeat.tick()
    let known = try? prepared.get()
    if let seconds = known?.stopWithin { watch.stop(within: seconds) }
    watch.expectStart(within: known?.watchdog)
    var ranks = start(watch)
    let communicator = ranks.communicator
    do {
      let prepared = try communicator.agreeOnSuccess(prepared, exitCode: ExitCode.code(for:))
      // Ranks that do different things would wait for each other.
      try communicator.requireAgreement(on: "command", digest: prepared.name)
      ranks.watchdog = try watch.start(prepared.watchdog, communicator, ranks.session)
      let console = Console(isSpeaking: communicator.rank == 0 && !prepared.isQuiet, heartbeat: watch.heartbeat)
      let session = Session(
        communicator: communicator, console: console, supportsBFloat16: CPUBackend.supportsBFloat16,
        stopRequest: watch.stopRequest, makeBackend: ComputeStart.backend)
      let output = try prepared.body(session)
      try communicator.together(exitCode: ExitCode.code(for:)) {
        if communicator.rank == 0 { try StandardOutput().write(output) }
      }
    } catch {
      fail(error, ranks: ranks)
    }
    finish(ranks)
    exit(ExitCode.success)
  }

  /// Runs a command that needs no ranks; under a launcher, on the first rank alone.
  static func alone(_ name: String, _ body: () throws -> Void) {
    let ranks = start()
    let communicator = ranks.communicator
    do {
      try communicator.agreeOnSuccess(.success(()))
      try communicator.requireAgreement(on: "command", digest: name)
      try communicator.together(exitCode: ExitCode.code(for:)) { if communicator.rank == 0 { try body() } }
    } catch {
      fail(error, ranks: ranks)
    }
    finish(ranks)
    exit(ExitCode.success)
  }

  /// Threads that a run has whatever it computes: those of signals, of deadlines, of the watchdog and of broadcasts, and the
  /// message library's.
  private static let ownThreads = 6

  /// Ends a process that may not start its threads: without them nothing would answer a signal, and nothing would end what
  /// hangs.
  private static func requireThreads() {
    do throws(ProcessLimitError) {
      try ProcessLimits.require(threads: ownThreads, remedy: "start fewer ranks on this host")
    } catch {
      leave(error)
    }
  }

  /// Ends a process that lacks what it needs, and with it all ranks, without the message library.
  static func leave(_ error: ProcessLimitError) -> Never {
    // The first rank's exit ends the others, which may lack the same.
    let rank = MPISession.environmentRank
    if let rank, rank > 0 { Thread.sleep(forTimeInterval: min(2, Double(rank)) / 2) }
    say(error, rank: rank)
    _exit(ExitCode.memory)
  }

  private struct Ranks {
    let communicator: any Communicator
    let session: MPISession?
    let watch: RunWatch
    var watchdog: Watchdog?
  }

  /// All ranks when a launcher started us, else this process alone.
  private static func start(_ watch: RunWatch = RunWatch()) -> Ranks {
    guard MPISession.isLaunchedByMPI else {
      return Ranks(communicator: SoloCommunicator(), session: nil, watch: watch)
    }
    do {
      let session = try MPISession(heartbeat: watch.heartbeat)
      return Ranks(communicator: session.world, session: session, watch: watch)
    } catch {
      // Where ranks do not see each other, the first of the launcher's speaks for all.
      if MPISession.environmentRank ?? 0 == 0 { say(error) }
      exit(ExitCode.code(for: error))
    }
  }

  /// Ends all ranks for a command line that is wrong on this one, and mostly on all.
  private static func reject(_ error: CommandLineError) -> Never {
    let ranks = start()
    do {
      try ranks.communicator.agreeOnSuccess(Result<Void, any Error>.failure(error)) { _ in ExitCode.usage }
      exit(ExitCode.usage)
    } catch {
      fail(error, ranks: ranks)
    }
  }

  /// Tells an error once and ends all ranks: together when all know of it, by force when only this one does.
  private static func fail(_ error: any Error, ranks: Ranks) -> Never {
    let code = error is CommandLineError ? ExitCode.usage : ExitCode.code(for: error)
    let isShared =
      error is PeerFailure || error is StoppedError
      || (error as? CommunicationError).map { [.disagreement, .notFinite, .damaged].contains($0.code) } == true
    guard isShared || ranks.communicator.size == 1 else {
      say(error, rank: ranks.communicator.rank)
      ranks.watch.abort(ranks.communicator, code: code)
    }
    if ranks.communicator.rank == 0 { say(error) }
    finish(ranks)
    // Without the libraries' own endings: OpenBLAS would wait for threads that wait for memory without end.
    _exit(code)
  }

  /// Waits for all ranks, so that none ends before rank 0 has spoken, and stops the message library.
  private static func finish(_ ranks: Ranks) {
    ranks.watch.end()
    try? ranks.communicator.barrier()
    ranks.watch.heartbeat.beginWait()
    ranks.watchdog?.stop()
    try? ranks.session?.finalize()
  }

  private static func say(_ error: any Error, rank: Int? = nil) {
    let text = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
    let place = rank.map { " on rank \($0)" } ?? ""
    write("espalier: error\(place): \(text)")
  }

  /// A line on standard error, in one piece.
  static func write(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}
