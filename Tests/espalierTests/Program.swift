import Foundation
import Subprocess
import TestSupport
import Testing

/// The built program, launched as a user would: alone, or by `mpirun`.
@Suite struct ProgramTests {}

/// Lets few launches run at a time: tests run side by side, and each launch has as many processes as ranks. Waiting for
/// a turn does not count towards a launch's time limit.
private actor Turns {
  static let all = Turns()
  private var free = 4
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
  }

  func give() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// What a launch came to.
struct Launched {
  let code: Int32
  let output: String
  /// Standard error as it was.
  let errors: String

  /// Lines of standard error that are the program's own: not of `mpirun`'s banners, which stand between bars.
  var ownLines: [String] {
    var isBanner = false
    return errors.split(separator: "\n").map(String.init).filter { line in
      if line.hasPrefix("-----------") { isBanner.toggle() }
      return !isBanner && !line.hasPrefix("-----------")
    }
  }
}

enum Program {
  /// The program lies beside the test binary that runs.
  static let path: String = {
    let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return (tests.map { ($0 as NSString).deletingLastPathComponent } ?? ".") + "/espalier"
  }()

  /// Seconds after which a launch is stopped, with all its processes.
  static let timeLimit = 120

  /// Runs the program with `arguments`: by itself, or on `ranks` ranks under `mpirun`.
  static func run(
    _ arguments: [String], ranks: Int? = nil, in folder: String, input: [UInt8] = [],
    environment: [String: String] = [:], timeLimit: Int = timeLimit
  ) async throws -> Launched {
    guard let ranks else {
      return try await launch([path] + arguments, in: folder, input: input, environment: environment, timeLimit)
    }
    return try await run(
      parts: [(ranks, arguments)], in: folder, input: input, environment: environment, timeLimit: timeLimit)
  }

  /// Runs the program under `mpirun` with other arguments for some ranks.
  static func run(
    parts: [(ranks: Int, arguments: [String])], in folder: String, input: [UInt8] = [],
    environment: [String: String] = [:], timeLimit: Int = timeLimit
  ) async throws -> Launched {
    let options = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    let commands = parts.map { ["-np", "\($0.ranks)", path] + $0.arguments }
    return try await launch(
      ["mpirun"] + options + commands.joined(separator: [":"]), in: folder, input: input, environment: environment,
      timeLimit)
  }

  /// Runs a line of shell, in which `$ESPALIER` is the program.
  static func shell(_ line: String, in folder: String) async throws -> Launched {
    try await launch(["sh", "-c", line], in: folder, environment: ["ESPALIER": path], timeLimit)
  }

  /// `timeout` puts the command into a process group of its own, asks all of it to end, and kills it if it does not.
  private static func launch(
    _ command: [String], in folder: String, input: [UInt8] = [], environment: [String: String], _ timeLimit: Int
  ) async throws -> Launched {
    await Turns.all.take()
    defer { Task { await Turns.all.give() } }
    let result = try await Subprocess.run(
      .name("env"), arguments: Arguments(["-C", folder, "timeout", "-k", "5", "\(timeLimit)"] + command),
      environment: .custom(launchEnvironment(environment)), input: .array(input), output: .string(limit: 1 << 24),
      error: .string(limit: 1 << 24))
    var code: Int32 = 1
    if case .exited(let status) = result.terminationStatus { code = status }
    #expect(code != 124 && code != 137, "\(command) was still running after \(timeLimit) s")
    return Launched(code: code, output: result.standardOutput, errors: result.standardError)
  }

  /// This process's environment without traces of a launcher, with a fixed width and one thread per rank.
  private static func launchEnvironment(_ additions: [String: String]) -> [Environment.Key: String] {
    let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
      !["OMPI_", "PMI_", "PMIX_", "SLURM_"].contains { name.hasPrefix($0) }
    }
    let fixed = [
      "COLUMNS": "80", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
      "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    ]
    let all = inherited.merging(fixed) { $1 }.merging(additions) { $1 }
    return Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(stringLiteral: $0), $1) })
  }
}
