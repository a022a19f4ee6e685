import Calibration
import Foundation
import Testing
import Tokenizers

/// Texts as people have them: what other programs write under these names is read, and gives just this.
@Suite struct FoundTextTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The notes that reading a file leaves.
  func notes(_ source: TextSource) throws -> [String] {
    var notes: [String] = []
    try source.forEachDocument(note: { notes.append($0) }) { _ in true }
    return notes
  }

  /// The layout is told by what is there, under either name.
  @Test(
    arguments: [
      "{\"text\": \"a\"}\n{\"text\": \"b\"}\n", "{\"text\": \"a\"}{\"text\": \"b\"}",
      "\n [\n  {\"text\": \"a\"},\n  {\n \"text\": \"b\"\n }\n]\n", "{\n  \"text\": \"a\"\n}\n{\n  \"text\": \"b\"\n}",
      "[\"a\", \"b\"]", "\"a\"\n\"b\"\n", "[{\"text\": \"a\"}]\n[{\"text\": \"b\"}]",
      "{\"text\": \"a\"}\r\n\r\n{\"text\": \"b\"}",
      "\u{feff}{\"text\": \"a\"}\n{\"text\": \"b\"}", "\u{feff}[{\"text\": \"a\"}, {\"text\": \"b\"}]",
    ], ["a.json", "a.jsonl"])
  func layouts(text: String, name: String) throws {
    #expect(try folder.source(text.utf8, name).documents() == ["a", "b"])
  }

  /// C4 is `.json.gz` of JSON lines; and a single object is a document.
  @Test func names() throws {
    let packed = try Data(contentsOf: fixtures.appending(path: "calibration/lines.jsonl.gz"))
    let plain = try TextSource(path: fixtures.appending(path: "calibration/lines.jsonl").path).documents()
    #expect(plain.count == 4)
    #expect(try folder.source(packed, "c4-train.00000-of-01024.json.gz").documents() == plain)
    #expect(try folder.source("{\"text\": \"a\"}".utf8, "a.json").documents() == ["a"])
  }

  /// Which fields are read, which of them before others, and what they give.
  @Test(arguments: [
    (#"{"text": "a", "loss": NaN, "high": Infinity, "low": -Infinity, "more": [NaN, {"n": NaN}]}"#, "a"),
    (#"{"content": "b", "text": "a"}"#, "a"), (#"{"text": null, "content": "b"}"#, "b"), (#"{"content": "b"}"#, "b"),
    (#"{"text": 1, "content": "b"}"#, "b"), (#"{"text": "a", "text": "c"}"#, "c"),
    (#"{"text": ""}"#, ""), (#"{"text": null}"#, ""), (#"{"text": null, "id": 7}"#, ""), (#"{"messages": []}"#, ""),
    (#"{"text": "a\u0000b"}"#, "a\0b"), (#"{"text": "\ud83d\ude42"}"#, "\u{1f642}"),
    (#"{"text": "a\ud83d"}"#, "a\u{fffd}"), (#"{"text": "\ude42\ud83dx\ud83dé"}"#, "\u{fffd}\u{fffd}x\u{fffd}é"),
    (
      #"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, "#
        + #"{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]}"#,
      "System: Be brief.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye"
    ),
    (
      #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "What "}, {"type": "image_url", "#
        + #""image_url": {"url": "x"}}, "is it?"]}, {"role": "assistant", "content": null, "tool_calls": [{}]}, "#
        + #"{"role": "tool", "content": "A cat"}]}"#, "User: What is it?\n\ntool: A cat"
    ),
    (
      #"{"id": "1", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}"#,
      "User: Hi\n\nAssistant: Hello"
    ),
    (#"{"prompt": "Hi, ", "completion": "there"}"#, "Hi, there"),
    (#"{"question": "1 + 1?", "answer": "2"}"#, "Question: 1 + 1?\nAnswer: 2"),
  ]) func fields(line: String, text: String) throws {
    let documents = try folder.source("\(line)\n\n{\"text\": \"end\"}".utf8, "a.jsonl").documents()
    #expect(documents.map { Array($0.unicodeScalars) } == [text, "end"].map { Array($0.unicodeScalars) })
  }

  /// A line that is none says its number and the reason itself.
  @Test(arguments: [
    (#"{"text": 3.5}"#, "line 3: the field text is a number, not a string"),
    (#"{"text": true}"#, "line 3: the field text is a boolean, not a string"),
    (#"{"text": {"en": "a"}}"#, "line 3: the field text is an object, not a string"),
    (#"{"text": ["a"]}"#, "line 3: the field text is a list, not a string"),
    (#"{"body": "a", "id": 1}"#, #"line 3: an object of "body", "id", but text is read from text, content, messages"#),
    (#"{"output": "a"}"#, #"line 3: an object of "output", but text"#), ("null", "line 3: null, not an object"),
    ("7", "line 3: a number, not an object"), ("NaN", "line 3: a number, not an object"),
    (#"{"prompt": "a"}"#, "line 3: the field prompt has no completion beside it"),
    (#"{"question": "a", "answer": null}"#, "line 3: the field question has no answer beside it"),
    (#"{"instruction": "a", "input": 1, "output": "b"}"#, "line 3: the field input is a number, not a string"),
    (#"{"messages": "a"}"#, "line 3: the field messages is a string, not a list of messages"),
    (#"{"messages": ["a"]}"#, "line 3: message 0 of messages is a string, not an object"),
    (#"{"messages": [{"role": "x", "content": "a"}, {"content": "b"}]}"#, "line 3: message 1 of messages has no role"),
    (#"{"messages": [{"role": "user", "content": 1}]}"#, "line 3: message 0 of messages has a content that is neither"),
    // Cut off, and with good lines behind it.
    (#"{"text": "a""#, #"line 3: not JSON: the text ends where "," or "}" should be, at column 13; is the file com"#),
    (#"{"text": "a"#, "line 3: not JSON: a string does not end, at column 10"),
    (#"{"text": "#, "line 4"), (#"{"text": "a", "id": 1"#, #"line 3: not JSON: the text ends where "," or "}""#),
    (#"{"text": "a"]"#, #"line 3: not JSON: found "]" where "," or "}" should be, at column 13"#),
    (#"{"text" "a"}"#, #"line 3: not JSON: found """#),
    (#"{"text": "a"} end"#, #"line 3: not JSON: found "e" where a value"#),
    (#"{"text": "a", "n": nan}"#, #"line 3: not JSON: found "n" where a value should be, at column 20"#),
    (#"{"text": "\q"}"#, "line 3: not JSON: a string holds an unknown escape, at column 11"),
    ("{\"text\": \"a\tb\"}", "line 3: not JSON: a string holds the control character 9, at column 12"),
    ("\0\0\0\0", "line 3: not JSON: found byte 0 where a value should be, at column 1"),
    ("<html>", "line 3: not JSON: found \"<\" where a value should be, at column 1"),
  ]) func refusedLines(line: String, problem: String) throws {
    let good = "{\"text\": \"good\"}\n"
    let source = try folder.source("\(good)\n\(line)\n\(good)\(good)".utf8, "a.jsonl")
    let error = #expect(throws: CalibrationError.self) { try source.documents() }
    #expect(error?.code == .malformedDocument)
    #expect(error?.message.hasPrefix("\(source.path): \(problem)") == true, "\(error?.message ?? "")")
    #expect(error?.message.contains("\n") == false)
  }

  /// In a list the line is told too, and the element.
  @Test(arguments: [
    ("[{\"text\": \"a\"},\n 7]", "line 2, element 1: a number, not an object"),
    (
      "[{\"text\": \"a\"}\n {\"text\": \"b\"}]", #"line 2: not JSON: found "{" where "," or "]" should be, at column 2"#
    ),
    ("[{\"text\": \"a\"},\n]", "line 2, element 1: not JSON: found \"]\" where a value should be, at column 1"),
    ("[{\"text\": \"a\"},\n", "line 2: not JSON: the text ends where a value should be, at column 1; is the file"),
    ("[{\"text\": \"a\"}", "line 1: not JSON: the text ends where \",\" or \"]\" should be, at column 15"),
    ("[[\"a\"]]", "line 1, element 0: a list, not an object"),
    (
      "{\n \"text\": \"a\"\n \"b\": 1}",
      #"line 3: not JSON: found """ where "," or "}" should be, at column 2, in a document that begins in line 1"#
    ),
  ]) func refusedLists(text: String, problem: String) throws {
    let source = try folder.source(text.utf8, "a.json")
    let error = #expect(throws: CalibrationError.self) { try source.documents() }
    #expect(error?.message.hasPrefix("\(source.path): \(problem)") == true, "\(error?.message ?? "")")
  }

  /// Documents come whole wherever the pieces end in which a file is read.
  @Test func longFiles() throws {
    let texts = (0..<3000).map { String(repeating: "\"\\ {[é\u{1f642}\n", count: $0 % 40) + "\($0)" }
    let objects = texts.map { ["id": 1, "text": $0, "tags": ["}", "]"]] as [String: Any] }
    let lines = try objects.map { try JSONSerialization.data(withJSONObject: $0) }
    let list = try JSONSerialization.data(withJSONObject: objects, options: .prettyPrinted)
    #expect(list.count > 1 << 20)
    #expect(try folder.source(Array(lines.joined(separator: [10])), "a.json").documents() == texts)
    #expect(try folder.source(list, "b.json").documents() == texts)
  }

  /// Half a surrogate pair is told of, with the line and how many there are.
  @Test func surrogates() throws {
    let lines = "{\"text\": \"a\"}\n{\"text\": \"\\ud83d \\ud83d\"}\n{\"text\": \"b\"}"
    let source = try folder.source(lines.utf8, "a.jsonl")
    let note = "\(source.path): line 2: half a surrogate pair stands for no character and was read as U+FFFD, 2 in all"
    #expect(try notes(source) == [note])
  }

  /// What stands behind the last gzip member is told of; zeros are padding; a member that is damaged is refused.
  @Test func behindGzip() throws {
    let packed = try Data(contentsOf: fixtures.appending(path: "calibration/lines.jsonl.gz"))
    let whole = try folder.source(packed, "whole.gz.jsonl")
    let documents = try whole.documents()
    #expect(documents.count == 4)
    #expect(try notes(whole) == [])
    for (rest, ignored) in [
      ("garbage", 7), ("\0\0\0", 0), ("\0\0garbage", 7), ("\u{1f}garbage", 8),
      (String(repeating: "garbage", count: 100_000), 700_000),
    ] {
      let source = try folder.source(packed + Data(rest.utf8), "a.jsonl.gz")
      #expect(try source.documents() == documents)
      let note =
        "\(source.path): \(ignored) bytes behind the gzip data are none and were not read; is the file complete?"
      #expect(try notes(source) == (ignored == 0 ? [] : [note]))
    }
    let damaged = try folder.source(packed + packed.prefix(packed.count / 4), "b.jsonl.gz")
    let error = #expect(throws: CalibrationError.self) { try damaged.documents() }
    #expect(error?.code == .damagedCompression)
  }

  /// A frame of `zstd --long=31`, as the format describes it: no content size, a window of 2^`log` bytes, one raw block.
  func frame(_ text: String, windowLog log: UInt8) -> [UInt8] {
    let size = text.utf8.count << 3 | 1
    return [0x28, 0xB5, 0x2F, 0xFD, 0, (log - 10) << 3, UInt8(size & 255), UInt8(size >> 8), 0] + text.utf8
  }

  @Test func windows() throws {
    for log in [10, 27, 28, 31] as [UInt8] {
      #expect(try folder.source(frame("to be, or not", windowLog: log), "a.txt.zst").documents() == ["to be, or not"])
    }
    let error = #expect(throws: CalibrationError.self) {
      try folder.source(frame("to be", windowLog: 32), "a.txt.zst").documents()
    }
    #expect(error?.code == .tooLarge)
    #expect(
      error?.message.contains("a Zstandard window of more than 2^31 bytes; compress it again with --long=") == true)
  }

  @Test func otherEncodings() throws {
    let text = "To be, or not to be: that is the question.\n"
    for (encoding, name) in [
      (String.Encoding.utf16, "UTF-16"), (.utf16LittleEndian, "UTF-16LE"), (.utf16BigEndian, "UTF-16BE"),
      (.utf32, "UTF-32"),
    ] {
      for file in ["a.txt", "a.jsonl", "a.json"] {
        let bytes = try #require(text.data(using: encoding))
        let error = #expect(throws: CalibrationError.self) { try folder.source(bytes, file).documents() }
        #expect(error?.code == .invalidUTF8)
        #expect(error?.message.contains("the text is \(name), not UTF-8; convert it: `iconv -f \(name)") == true)
      }
    }
    // Zeros here and there are characters.
    let zeros = "a\0b\0\0c, and some more words\0\0\0\0"
    #expect(try folder.source(zeros.utf8, "a.txt").documents() == [zeros])
  }

  /// Other formats, by name and by content: what turns them into one that is read.
  @Test(arguments: [
    ("a.parquet", "datasets.Dataset.from_parquet('a.parquet').to_json('a.jsonl')"),
    ("d/a.arrow", "datasets.Dataset.from_file('d/a.arrow').to_json('a.jsonl')"),
    ("a.csv", "pandas.read_csv('a.csv').to_json('a.jsonl', orient='records', lines=True)"),
    ("a.csv.gz", "pandas.read_csv('a.csv.gz')"), ("a.tsv", "pandas.read_csv('a.tsv', sep='\\t')"),
    ("a.jsonl.xz", "`xz -dk 'a.jsonl.xz'`"), ("A.TXT.BZ2", "`bzip2 -dk 'A.TXT.BZ2'`"), ("a.zip", "`unzip 'a.zip'`"),
    ("a.tar.gz", "`tar -xf 'a.tar.gz'`"), ("my a.pdf", "`pdftotext 'my a.pdf' 'my a.txt'`"),
    ("a.docx", "`pandoc 'a.docx' -t plain -o 'a.txt'`"), ("a.jsonl.zstd", "rename it, such as to a.jsonl.zst"),
    ("a.ndjson", "rename it to a.jsonl"), ("it's.csv", "pandas.read_csv('FILE').to_json('NEW.jsonl'"),
    ("a.doc2", "ends in none of .txt, .jsonl and .json"),
  ]) func foreignNames(name: String, advice: String) throws {
    let error = #expect(throws: CalibrationError.self) { try TextSource(path: name) }
    #expect(error?.code == .unreadableFile)
    #expect(
      error?.message.hasPrefix("\(name): ") == true && error?.message.contains(advice) == true,
      "\(error?.message ?? "")")
  }

  @Test(arguments: [
    ("PAR1\u{15}", "Parquet is not read"), ("PK\u{3}\u{4}", "zip is not read"), ("BZh91AY&SY", "bzip2 is not read"),
    ("%PDF-1.7\n", "pdftotext"), ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run `git lfs pull`"),
  ]) func foreignContents(start: String, advice: String) throws {
    for name in ["a.txt", "a.jsonl"] {
      let error = #expect(throws: CalibrationError.self) { try folder.source(start.utf8, name).documents() }
      #expect(error?.code == .unreadableFile && error?.message.contains(advice) == true)
    }
  }

  /// Lines for `tokenize`: of text as they are, of JSON a document each.
  @Test func linesToTokenize() throws {
    func lines(_ text: String, _ name: String) throws -> [[UInt8]] {
      var lines: [[UInt8]] = []
      try folder.source(text.utf8, name).forEachLine {
        lines.append(Array($0.utf8))
        return true
      }
      return lines
    }
    func bytes(_ lines: String...) -> [[UInt8]] { lines.map { Array($0.utf8) } }
    #expect(try lines("a\r\nb\rc\n\n\u{2028}d\r", "a.txt") == bytes("a\r", "b\rc", "", "\u{2028}d\r"))
    #expect(try lines("\u{feff}a\n\u{feff}", "a.txt") == bytes("a", "\u{feff}"))
    #expect(try lines("{\"text\": \"a\\r\\nb\\n\"}\n{\"text\": \"\"}", "a.jsonl") == bytes("a\r\nb\n", ""))
    let error = #expect(throws: CalibrationError.self) { try lines("", "a.txt") }
    #expect(error?.code == .empty)
    let invalid = try folder.source([0x61, 0x0A, 0x62, 0xFF], "b.txt")
    let place = #expect(throws: CalibrationError.self) { try invalid.forEachLine { _ in true } }
    #expect(place?.message == "\(invalid.path): line 2: invalid UTF-8 at byte 3 of the text; convert it to UTF-8")
  }

  /// Standard input comes in pieces of any size.
  @Test func linesInPieces() throws {
    let text = Array("\u{feff}To be,\r\nor\n\nnot to be é\u{1f642}".utf8)
    for size in 1...text.count {
      var lines = TextLines(of: "standard input")
      var found: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        #expect(
          try lines.take(Array(text[start..<min(text.count, start + size)])) {
            found.append($0)
            return true
          })
      }
      try lines.end {
        found.append($0)
        return true
      }
      #expect(found == ["To be,\r", "or", "", "not to be é\u{1f642}"])
    }
  }
}
