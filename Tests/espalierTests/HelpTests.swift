import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Help is read more often than any other text of the program, so every word of it is held to Tests/Fixtures/help.
  /// After a change of it: `ESPALIER_WRITE_FIXTURES=1 swift test --filter HelpTests`, and read the difference.
  @Suite struct HelpTests {
    static let texts: [(file: String, arguments: [String])] = [
      ("espalier", ["--help"]), ("prune", ["prune", "--help"]), ("select", ["select", "--help"]),
      ("score", ["score", "--help"]), ("allocate", ["allocate", "--help"]),
      ("generate", ["generate", "--help"]), ("tune", ["tune", "--help"]),
      ("repack", ["repack", "--help"]), ("recover", ["recover", "--help"]), ("evaluate", ["evaluate", "--help"]),
      ("report", ["report", "--help"]), ("inspect", ["inspect", "--help"]), ("tokenize", ["tokenize", "--help"]),
      ("estimate", ["estimate", "--help"]), ("doctor", ["doctor", "--help"]), ("bench", ["bench", "--help"]),
      ("bench-kernels", ["bench", "kernels", "--help"]),
      ("bench-scoring", ["bench", "scoring", "--help"]), ("bench-loading", ["bench", "loading", "--help"]),
      ("bench-repacking", ["bench", "repacking", "--help"]), ("bench-exchange", ["bench", "exchange", "--help"]),
      ("keys", ["prune", "--help-keys"]), ("version", ["--version"]),
    ]

    @Test(arguments: texts) func isAsInTheFixture(file: String, arguments: [String]) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(arguments, in: workspace.path)
      #expect(launched.code == 0)
      #expect(launched.errors.isEmpty)
      #expect(launched.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
      let fixture = Fixtures.path("help/\(file).txt")
      if ProcessInfo.processInfo.environment["ESPALIER_WRITE_FIXTURES"] != nil {
        try Data(launched.output.utf8).write(to: URL(filePath: fixture))
      }
      #expect(launched.output == String(decoding: try TemporaryFolder.bytes(of: fixture), as: UTF8.self))
    }

    /// Without arguments the program tells what it is, and `help VERB` is `VERB --help`.
    @Test(arguments: [([], ["--help"]), (["help", "score"], ["score", "--help"])])
    func isAlso(arguments: [String], same: [String]) async throws {
      let workspace = try Workspace()
      let (one, other) = try await (
        Program.run(arguments, in: workspace.path), Program.run(same, in: workspace.path)
      )
      #expect(one.code == 0 && one.output == other.output && !one.output.isEmpty)
    }

    /// Under a launcher rank 0 alone speaks.
    @Test(arguments: texts.filter { ["espalier", "keys", "version"].contains($0.file) })
    func isToldOnce(file: String, arguments: [String]) async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(arguments, ranks: 2, in: workspace.path)
      #expect(launched.code == 0)
      #expect(
        launched.output
          == String(decoding: try TemporaryFolder.bytes(of: Fixtures.path("help/\(file).txt")), as: UTF8.self))
    }
  }
}
