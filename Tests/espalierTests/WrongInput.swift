import Foundation
import TestSupport
import Testing

/// One wrong thing in a command, and the answer that it has to get: on one rank and on two, exactly one line that begins
/// `espalier: error`, the documented exit code, and no file left behind.
struct WrongInput: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Makes what the command needs, and gives the arguments.
  let arguments: @Sendable (Workspace) throws -> [String]
  let code: Int32
  /// What the line says.
  let parts: [String]
  /// Whether work begins before the wrong thing can be known: progress is told then, and a run folder stays.
  let hasBegun: Bool

  init(
    _ name: String, _ code: Int32, _ parts: [String], hasBegun: Bool = false,
    _ arguments: @escaping @Sendable (Workspace) throws -> [String]
  ) {
    (testDescription, self.arguments, self.code, self.parts) = (name, arguments, code, parts)
    self.hasBegun = hasBegun
  }

  init(_ name: String, _ code: Int32, _ parts: [String], arguments: [String]) {
    self.init(name, code, parts) { _ in arguments }
  }

  /// A small run with flags that make it wrong.
  init(_ name: String, _ code: Int32, _ parts: [String], flags: [String]) {
    self.init(name, code, parts) { _ in Workspace.smallRun + flags }
  }

  /// Runs the command and checks the answer.
  func check(ranks: Int?) async throws {
    let workspace = try Workspace()
    let temporary = try TemporaryFolder()
    let arguments = try arguments(workspace)
    let before = workspace.everything
    let launched = try await Program.run(
      arguments, ranks: ranks, in: workspace.path, environment: ["TMPDIR": temporary.path])
    Self.check(launched, code: code, parts: parts, hasBegun: hasBegun, isLaunched: ranks != nil)
    let left = workspace.everything.subtracting(before).union(temporary.names.filter { !$0.hasPrefix("ompi.") })
    let isAllowed = hasBegun ? left.isSubset(of: ["out.run", "out.run/run.yaml"]) : left.isEmpty
    #expect(isAllowed, "left behind: \(left)")
  }

  static func check(_ launched: Launched, code: Int32, parts: [String], hasBegun: Bool = false, isLaunched: Bool) {
    #expect(launched.code == code, "\(launched.errors)")
    let lines = launched.ownLines
    #expect(lines.filter { $0.hasPrefix("espalier: error") }.count == 1, "\(launched.errors)")
    #expect(lines.last?.hasPrefix("espalier: error: ") == true, "\(launched.errors)")
    #expect(lines.count == 1 || hasBegun, "\(launched.errors)")
    #expect(isLaunched || launched.errors.split(separator: "\n").count == lines.count)
    #expect(launched.output.isEmpty)
    for part in parts { #expect(lines.last?.contains(part) == true, "\(part) is not in \(launched.errors)") }
  }
}
