import Foundation
import TestSupport
import Testing

/// Runs of the program that are cut short.
enum Interruption {
  /// Starts the program, and kills one of its ranks (itself, without ranks) as soon as `file` holds a line with `pattern`.
  static func kill(
    _ arguments: [String], ranks: Int?, when file: String, holds pattern: String, in folder: String
  ) async throws -> Launched {
    let launcher = ranks.map { "mpirun -np \($0) --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 " } ?? ""
    // The last rank that the launcher started.
    let victim = ranks == nil ? "$pid" : "$(tr ' ' '\\n' < /proc/$pid/task/$pid/children | grep . | tail -n 1)"
    let killed = try await Program.shell(
      """
      \(launcher)"$ESPALIER" \(arguments.joined(separator: " ")) & pid=$!
      while kill -0 $pid && ! grep -Eq '\(pattern)' \(file); do sleep 0.01; done 2>/dev/null
      kill -9 \(victim) || exit 4
      wait $pid && exit 5
      exit 0
      """, in: folder)
    #expect(killed.code == 0, "the run was over before it could be killed: \(killed.errors)")
    return killed
  }

  /// Kills as soon as a phase is over.
  static func kill(
    _ arguments: [String], ranks: Int?, after phase: String, in folder: String
  ) async throws -> Launched {
    try await kill(
      arguments, ranks: ranks, when: "out.run/state/run.json", holds: "\"name\" : \"\(phase)\"", in: folder)
  }
}
