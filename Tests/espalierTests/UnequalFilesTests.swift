import TestSupport
import Testing

extension ProgramTests {
  /// Hosts on which the same name is another file: the run documents agree, and what they name does not.
  @Suite struct UnequalFilesTests {
    struct Unequal: Sendable, CustomTestStringConvertible {
      /// As the error names it.
      let testDescription: String
      let arguments: [String]
      /// What `file` is on either rank.
      let files: [String]
    }

    static let unequal: [Unequal] = [
      Unequal(
        testDescription: "held-out text",
        arguments: ["select"] + SelectTests.small + set(["selection.seeds=2", "selection.held-out=file.txt"]),
        files: texts),
      Unequal(
        testDescription: "text to tune on",
        arguments: Workspace.smallRun + set(["tuning.steps=2", "tuning.length=16", "tuning.text=file.txt"]),
        files: texts),
      Unequal(
        testDescription: "text to recover on",
        arguments: Workspace.smallRun + set(["recovery.steps=2", "recovery.length=16", "recovery.text=file.txt"]),
        files: texts),
      Unequal(
        testDescription: "teacher",
        arguments: ["recover"] + Workspace.smallRun.dropFirst()
          + set(["recovery.steps=2", "recovery.length=16", "recovery.teacher=file.txt"]),
        files: [Fixtures.demoModel, "other-model"]),
    ]

    @Test(arguments: unequal) func areNamed(_ unequal: Unequal) async throws {
      let workspace = try Workspace()
      let other = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(2)) + [0x80, 0x3F] }
      for (rank, file) in unequal.files.enumerated() {
        try workspace.folder.makeFolder("host-\(rank)")
        try workspace.folder.link("host-\(rank)/file.txt", to: file == "other-model" ? other : file)
      }
      let before = workspace.everything
      let arguments = (unequal.arguments + ["--output", "\(workspace.path)/out"]).joined(separator: " ")
      let launched = try await Program.shell(
        """
        mpirun --oversubscribe --bind-to none -wdir host-0 -np 1 $ESPALIER \(arguments) : \
        -wdir host-1 -np 1 $ESPALIER \(arguments)
        """, in: workspace.path)
      WrongInput.check(
        launched, code: 69, parts: ["rank 1 has a different \(unequal.testDescription)"], isLaunched: true)
      #expect(workspace.everything == before)
    }

    private static let texts = [Workspace.valid, Fixtures.repository + "/demo/train.txt"]

    private static func set(_ assignments: [String]) -> [String] { assignments.flatMap { ["--set", $0] } }
  }
}
