import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `espalier tokenize` prints what Hugging Face's `tokenizers` gives, line by line.
  @Suite struct TokenizeTests {
    struct Golden: Decodable {
      let text: String
      let ids: [Int32]
      let idsSpecial: [Int32]

      enum CodingKeys: String, CodingKey {
        case text, ids
        case idsSpecial = "ids_special"
      }
    }

    /// Golden texts of one line, between empty lines; each with its line of ids.
    static func lines(_ name: String, special: Bool = false) throws -> (texts: [String], ids: [String]) {
      let bytes = try TemporaryFolder.bytes(of: Fixtures.path("tokenizers/\(name).json"))
      let rows = try JSONDecoder().decode([Golden].self, from: Data(bytes))
      // A line cannot hold a line's end; a "\r" is a character like any.
      let usable = rows.filter { !$0.text.utf8.contains(10) }
      let texts = usable.flatMap { [$0.text, ""] } + ["a"]
      let ids = usable.flatMap { [special ? $0.idsSpecial : $0.ids, []] }.map {
        $0.map(String.init).joined(separator: " ")
      }
      let last = try #require(rows.first { $0.text == "a" }).ids.map(String.init).joined(separator: " ")
      return (texts, ids + [last])
    }

    static let models: [(model: String, golden: String)] =
      [(Fixtures.demoModel, "demo.golden")] + (Fixtures.smolLM2.map { [($0, "tokenizer-smollm2")] } ?? [])

    @Test(arguments: models) func fileAndStandardInput(model: (model: String, golden: String)) async throws {
      let workspace = try Workspace()
      let (texts, ids) = try Self.lines(model.golden)
      #expect(texts.count > 40)
      let expected = ids.map { $0 + "\n" }.joined()
      for end in ["", "\n"] {
        let text = [UInt8](texts.joined(separator: "\n").utf8) + [UInt8](end.utf8)
        try workspace.folder.write(text, to: "text.txt")
        let file = try await Program.run(["tokenize", "--model", model.model, "text.txt"], in: workspace.path)
        let piped = try await Program.run(["tokenize", "--model", model.model], in: workspace.path, input: text)
        for launched in [file, piped] {
          #expect(launched.code == 0 && launched.errors.isEmpty, "\(launched.errors)")
          #expect(launched.output == expected)
        }
      }
    }

    @Test func specialTokens() async throws {
      let workspace = try Workspace()
      let (texts, ids) = try Self.lines("demo.golden", special: true)
      let launched = try await Program.run(
        ["tokenize", "--model", Fixtures.demoModel, "--special-tokens"], in: workspace.path,
        input: [UInt8](texts.joined(separator: "\n").utf8))
      #expect(launched.output == ids.map { $0 + "\n" }.joined())
    }

    /// More than one read's worth, with lines across the reads' ends; and rank 0 alone prints.
    @Test func longInput() async throws {
      let workspace = try Workspace()
      let text = try TemporaryFolder.bytes(of: Workspace.valid)
      let file = try await Program.run(
        ["tokenize", "--model", Fixtures.demoModel, Workspace.valid], in: workspace.path)
      let piped = try await Program.run(["tokenize", "--model", Fixtures.demoModel], in: workspace.path, input: text)
      let ranked = try await Program.run(
        ["tokenize", "--model", Fixtures.demoModel, Workspace.valid], ranks: 2, in: workspace.path)
      #expect(file.output.split(separator: "\n", omittingEmptySubsequences: false).count - 1 == text.count { $0 == 10 })
      #expect(file.output == piped.output && file.output == ranked.output)
    }

    @Test func emptyStandardInput() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(["tokenize", "--model", Fixtures.demoModel], in: workspace.path)
      #expect(launched.code == 0 && launched.output.isEmpty && launched.errors.isEmpty)
    }
  }
}
