import Calibration
import Foundation
import Testing

/// Texts of every format and compression; Tests/Fixtures/calibration/make-fixtures.py made the compressed ones.
@Suite struct TextSourceTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func fixture(_ name: String) throws -> TextSource {
    try TextSource(path: fixtures.appending(path: "calibration/\(name)").path)
  }

  @Test(arguments: ["lines.jsonl", "lines.jsonl.gz", "lines.jsonl.zst", "hidden.jsonl"])
  func lines(name: String) throws {
    let documents = try fixture(name).documents()
    #expect(documents.count == 4)
    #expect(documents.first == "To be, or not to be: that is the question.")
    #expect(documents[1].contains("suffer\nthe slings"))
    // Composed and decomposed stay what they are.
    #expect(Array(documents[2].unicodeScalars) == Array("caf\u{e9} cafe\u{301} \u{1f642}".unicodeScalars))
  }

  @Test(arguments: ["alpaca.json", "alpaca.json.zst"]) func alpaca(name: String) throws {
    let documents = try fixture(name).documents()
    #expect(documents.count == 4)
    #expect(
      documents[0] == """
        Below is an instruction that describes a task, paired with an input that provides further context. \
        Write a response that appropriately completes the request.

        ### Instruction:
        Add.

        ### Input:
        1 + 2

        ### Response:3
        """)
    #expect(
      documents[1] == """
        Below is an instruction that describes a task. Write a response that appropriately completes the request.

        ### Instruction:
        Greet.

        ### Response:Hi
        """)
    #expect(documents[2].hasSuffix("### Response:Hello") && !documents[2].contains("### Input"))
    #expect(documents[3] == "plain")
  }

  @Test(arguments: ["spaces.txt.gz", "spaces.txt.zst"]) func muchFromLittle(name: String) throws {
    let documents = try fixture(name).documents()
    #expect(documents.map(\.utf8.count) == [20_000_000])
    #expect(try fixture(name).documents(prefix: 1000).map(\.utf8.count) == [1000])
  }

  /// Line ends as Python reads them; a byte-order mark is left out in front alone.
  @Test func text() throws {
    let source = try folder.source("\u{feff}a\r\n\r\n\u{feff}é\rb\n\r".utf8, "a.b.TXT")
    #expect(try source.documents() == ["a\n\n\u{feff}é\nb\n\n"])
  }

  @Test func prefixesOfText() throws {
    // A prefix never cuts a character: é is bytes 6 and 7.
    let source = try folder.source("abc\u{feff}é\n".utf8, "a.txt")
    #expect(try source.documents(prefix: 7).map(\.utf8.count) == [6])
    #expect(try source.documents(prefix: 8).map(\.utf8.count) == [8])
    #expect(try source.documents(prefix: 100).map(\.utf8.count) == [9])
  }

  @Test func linesEndAnyhow() throws {
    let source = try folder.source("\n{\"text\": \"a\"}\r\n  \n{\"text\": \"\"}\n{\"text\": \"b\"}".utf8, "a.jsonl")
    #expect(try source.documents() == ["a", "", "b"])
    var first: [String] = []
    try source.forEachDocument {
      first.append($0)
      return false
    }
    #expect(first == ["a"])
  }

  @Test(arguments: [
    ("a.txt", "", CalibrationError.Code.empty, "empty"), ("a.jsonl", "\n \n", .empty, "no document"),
    ("a.json", "", .empty, "empty"), ("a.json", "[]", .empty, "the array is empty"), ("a.txt.gz", "", .empty, "empty"),
    ("a.jsonl", "{\"text\": \"a\"}\n\n{\"text\": 7}\n", .malformedDocument, "line 3: the field text is a number"),
    ("a.jsonl", "{\"text\": \"a\"}\nnonsense", .malformedDocument, "line 2: not JSON: found \"n\" where a value"),
    ("a.jsonl", "[1]", .malformedDocument, "line 1, element 0: a number, not an object"),
    ("a.jsonl", "{\"instruction\": \"a\"}", .malformedDocument, "line 1: the field instruction has no output"),
    ("a.jsonl", "{}", .malformedDocument, "line 1: an empty object"),
    ("a.jsonl", String(repeating: "[", count: 100_000), .malformedDocument, "line 1: not JSON: more than 128 objects"),
    ("a.json", String(repeating: "{\"a\":", count: 100_000), .malformedDocument, "line 1: not JSON: more than 128"),
    ("a.json", "[{\"text\": \"a\"}, {\"text\": 1}]", .malformedDocument, "line 1, element 1: the field text"),
    ("a.txt.gz", "plain", .damagedCompression, "not gzip"),
    ("a.jsonl.zst", "plain", .damagedCompression, "not Zstandard"),
  ])
  func refusals(name: String, text: String, code: CalibrationError.Code, names: String) throws {
    let source = try folder.source(text.utf8, name)
    let error = #expect(throws: CalibrationError.self) { try source.documents() }
    #expect(error?.code == code)
    #expect(error?.description.contains(names) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix(source.path) == true && error?.description.contains("\n") == false)
  }

  @Test func invalidUTF8() throws {
    let lines = Array("{\"text\": \"a\"}\n{\"text\": \"".utf8)
    for (name, bytes, place) in [
      ("a.txt", [0x61, 0x62, 0xFF], 2), ("a.txt", [0xC3], 0), ("a.txt", [0x61, 0xED, 0xA0, 0x80], 1),
      ("a.jsonl", lines + [0xFF, 0x22, 0x7D], lines.count), ("a.json", [0x5B, 0x22, 0xFE], 2),
    ] as [(String, [UInt8], Int)] {
      let error = #expect(throws: CalibrationError.self) { try folder.source(bytes, name).documents() }
      #expect(error?.code == .invalidUTF8)
      #expect(error?.description.contains("at byte \(place) ") == true, "\(error?.description ?? "")")
    }
  }

  /// Every truncation of compressed data is an error, or ends between two members.
  @Test(arguments: ["lines.jsonl.gz", "lines.jsonl.zst", "alpaca.json.zst"]) func truncation(name: String) throws {
    let whole = try Data(contentsOf: fixtures.appending(path: "calibration/\(name)"))
    let count = try fixture(name).documents().count
    for length in 0..<whole.count {
      let source = try folder.source(whole.prefix(length), name)
      if let documents = try? source.documents() { #expect(documents.count == count, "\(name) \(length)") }
    }
    let error = #expect(throws: CalibrationError.self) { try folder.source(whole.prefix(40), name).documents() }
    #expect(error?.code == .damagedCompression && error?.description.contains(name) == true)
  }

  /// A flipped byte never crashes, and never makes text without end.
  @Test(arguments: ["lines.jsonl.gz", "lines.jsonl.zst", "spaces.txt.zst"]) func flippedBytes(name: String) throws {
    let whole = try Data(contentsOf: fixtures.appending(path: "calibration/\(name)"))
    for place in 0..<min(whole.count, 400) {
      var flipped = whole
      flipped[place] ^= 0x41
      let documents = try? folder.source(flipped, name).documents(prefix: 4096)
      #expect(documents?.count ?? 0 <= 5)
    }
  }

  @Test func filesThatAreNone() throws {
    let pipe = folder.url.appending(path: "pipe.txt").path
    let status = unsafe mkfifo(pipe, 0o600)
    #expect(status == 0)
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "folder.txt"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "zero.txt"), withDestinationURL: URL(filePath: "/dev/zero"))
    for name in ["pipe.txt", "folder.txt", "zero.txt", "absent.jsonl", "a\0.txt"] {
      let source = try TextSource(path: "\(folder.url.path)/\(name)")
      let error = #expect(throws: CalibrationError.self) { try source.documents() }
      #expect(error?.code == .unreadableFile)
    }
    for name in ["a.csv", "txt", "", "a.gz", "/", "a.txt.gz.gz", "a."] {
      #expect(throws: CalibrationError.self) { try TextSource(path: name) }
    }
  }
}
