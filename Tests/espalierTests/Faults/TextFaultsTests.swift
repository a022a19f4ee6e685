import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Text as people have it, through the program. Ids are those of Hugging Face's `tokenizers` for the demo's tokenizer.json.
  @Suite struct TextFaultsTests {
    static func tokenize(_ bytes: [UInt8], _ name: String) async throws -> Launched {
      let workspace = try Workspace()
      try workspace.folder.write(bytes, to: name)
      return try await Program.run(["tokenize", "--model", Fixtures.demoModel, name], in: workspace.path)
    }

    /// "To be" is 397 305, "\r" 202, "b" 66, "\n" 199.
    @Test(arguments: [
      ("a.txt", "To be\r\nb", "397 305 202\n66\n"), ("a.txt", "\u{feff}To be\n\nb\n", "397 305\n\n66\n"),
      ("a.txt", "a\0b\n", "65 189 66\n"),
      // A document is a line, whatever lines it has.
      ("a.jsonl", #"{"text": "To be, or not\nto be"}"#, "397 305 12 530 322 199 894 305\n"),
      (
        "a.jsonl", "{\"text\": \"To be\\r\"}\n{\"text\": null}\n{\"content\": \"b\", \"x\": NaN}\n",
        "397 305 202\n\n66\n"
      ),
      ("a.json", "{\"text\": \"To be\"}\n{\"text\": \"b\"}\n", "397 305\n66\n"),
      ("a.jsonl", "\u{feff}[{\"text\": \"To be\"},\n {\"text\": \"b\"}]", "397 305\n66\n"),
      (
        "a.jsonl",
        #"{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}"#,
        "53 83 273 26 490 73 199 199 549 83 734 447 26 490 415 79\n"
      ),
    ]) func documents(name: String, text: String, ids: String) async throws {
      let launched = try await Self.tokenize([UInt8](text.utf8), name)
      #expect(launched.code == 0 && launched.errors.isEmpty, "\(launched.errors)")
      #expect(launched.output == ids)
    }

    @Test func standardInput() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["tokenize", "--model", Fixtures.demoModel], in: workspace.path, input: [UInt8]("\u{feff}To be\r\n\nb".utf8))
      #expect(launched.code == 0 && launched.output == "397 305 202\n\n66\n", "\(launched.errors)")
    }

    /// Read, and told of: what is not as it should be, and no reason to stop.
    @Test func warnings() async throws {
      let surrogate = try await Self.tokenize([UInt8](#"{"text": "To be\ud83d"}"#.utf8), "a.jsonl")
      #expect(surrogate.output == "397 305 172 124 122\n")
      #expect(surrogate.ownLines.count == 1)
      #expect(surrogate.ownLines.first?.hasPrefix("espalier: warning: a.jsonl: line 1: half a surrogate pair") == true)
      let packed = try TemporaryFolder.bytes(of: Fixtures.path("calibration/lines.jsonl.gz"))
      let (whole, behind) = try await (
        Self.tokenize(packed, "a.json.gz"), Self.tokenize(packed + [UInt8]("garbage".utf8), "a.json.gz")
      )
      #expect(whole.code == 0 && whole.errors.isEmpty && whole.output.split(separator: "\n").count == 4)
      #expect(behind.code == 0 && behind.output == whole.output)
      #expect(behind.ownLines.count == 1 && behind.ownLines[0].contains("7 bytes behind the gzip data"))
    }

    static let refused: [WrongInput] = [
      refused(
        "a field of another kind", 65, ["text.jsonl: line 2: the field text is a number, not a string"],
        "{\"text\": \"a\"}\n{\"text\": 4}\n", "text.jsonl"),
      refused(
        "a line that is cut off", 65, ["text.jsonl: line 2: not JSON: the text ends", "at column 13"],
        "{\"text\": \"a\"}\n{\"text\": \"b\"\n{\"text\": \"c\"}\n", "text.jsonl"),
      refused(
        "unknown fields", 65, ["text.json: line 1: an object of \"body\", but text is read from"],
        "{\"body\": \"a\"}", "text.json"),
      refused(
        "UTF-16", 65, ["text.txt: the text is UTF-16", "iconv -f UTF-16 -t UTF-8"], bytes: [0xFF, 0xFE, 0x61, 0]),
      refused("Parquet", 66, ["Dataset.from_parquet('text.parquet').to_json('text.jsonl')"], "PAR1", "text.parquet"),
      refused("CSV", 66, ["pandas.read_csv('text.csv').to_json('text.jsonl'"], "text\na\n", "text.csv"),
      refused("xz", 66, ["xz -dk 'text.jsonl.xz'"], "", "text.jsonl.xz"),
      refused(
        "a pointer of Git LFS", 66, ["git lfs pull"], "version https://git-lfs.github.com/spec/v1\n", "text.jsonl"),
      WrongInput(
        "a sequence of one token", 64, ["--length 1", "an integer, 2 or more"], flags: ["--length", "1"]),
    ]

    private static func refused(
      _ title: String, _ code: Int32, _ parts: [String], _ text: String = "", _ name: String = "text.txt",
      bytes: [UInt8]? = nil
    ) -> WrongInput {
      WrongInput(title, code, parts) { workspace in
        try workspace.folder.write(bytes ?? [UInt8](text.utf8), to: name)
        return Workspace.smallRun.map { $0 == Workspace.valid ? name : $0 }
      }
    }

    @Test(arguments: refused) func refusals(wrong: WrongInput) async throws { try await wrong.check(ranks: nil) }

    /// A run goes on when its texts were moved meanwhile, and not when they hold something else.
    @Test func movedTexts() async throws {
      let workspace = try Workspace()
      let text = try TemporaryFolder.bytes(of: Workspace.valid)
      func arguments(_ name: String) -> [String] {
        ResumeTests.whole.map { $0 == Workspace.valid ? name : $0 }
      }
      try workspace.folder.write(text, to: "a.txt")
      let undisturbed = try workspace.folder.makeFolder("undisturbed")
      let whole = try await Program.run(arguments("../a.txt"), in: undisturbed)
      try #require(whole.code == 0, "\(whole.errors)")
      let killed = try workspace.folder.makeFolder("killed")
      _ = try await Interruption.kill(arguments("../a.txt"), ranks: nil, after: "score", in: killed)
      try FileManager.default.moveItem(atPath: workspace.folder.file("a.txt"), toPath: killed + "/b.txt")
      try workspace.folder.write(text.reversed().filter { $0 < 0x80 }, to: "a.txt")
      let other = try await Program.run(arguments("../a.txt"), in: killed)
      #expect(other.code != 0)
      #expect(other.ownLines.last?.contains("but calibration.text ../a.txt has changed since (SHA-256 ") == true)
      let moved = try await Program.run(arguments("b.txt"), in: killed)
      try #require(moved.code == 0, "\(moved.errors)")
      #expect(moved.ownLines.contains("continues: evaluate dense, score done"), "\(moved.errors)")
      let (own, wanted) = (try ResumeTests.files(killed), try ResumeTests.files(undisturbed))
      for (name, bytes) in wanted where name != "out.run/run.yaml" { #expect(own[name] == bytes, "\(name)") }
    }

    /// The default window is the model's own, and the document says so.
    @Test func defaultWindow() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        [
          "evaluate", "--model", Fixtures.demoModel, "--evaluation-text", Workspace.valid, "--limit", "2", "--threads",
          "1", "--json",
        ], in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let report = try object(launched.output)
      #expect((report["perplexity"] as? [String: Any])?["window"] as? Int == 512)
      #expect(report["warnings"] as? [String] == [])
    }
  }
}
