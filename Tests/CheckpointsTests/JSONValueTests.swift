import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite struct JSONValueTests {
  static func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: [UInt8](text.utf8), path: "config.json")
  }

  @Test func aConfigurationIsWrittenAsHuggingFaceWritesIt() throws {
    for model in ["tiny-llama-bf16/config.json", "tiny-llama-sharded/generation_config.json"] {
      let path = Fixtures.path("models/\(model)")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(
        try JSONValue(contentsOf: path).prettyText.trimmingCharacters(in: .newlines)
          == text.trimmingCharacters(in: .newlines))
    }
  }

  @Test func kindsAreKept() throws {
    let value = try Self.parse(
      #"{"a":1,"b":1.0,"c":1e-5,"d":"é/\ud83d\ude00\n","e":[],"f":{},"g":[true,null],"h":-0.5E+2,"i":9223372036854775808}"#
    )
    #expect(value["a"]?.integerValue == 1)
    #expect(value["b"]?.integerValue == nil)
    #expect(value["b"] == .number(1))
    #expect(value["c"] == 1e-5)
    #expect(value["d"]?.stringValue == "é/😀\n")
    #expect(value["g"]?.arrayValue == [true, nil])
    #expect(value["h"]?.numberValue == -50)
    #expect(value["i"] == .number(9_223_372_036_854_775_808))
    #expect(value["missing"] == nil)
    #expect(
      value.canonicalText
        == #"{"a":1,"b":1.0,"c":1e-05,"d":"é/😀\n","e":[],"f":{},"g":[true,null],"h":-50.0,"i":9.223372036854776e+18}"#)
    #expect(try Self.parse(value.prettyText) == value)
    #expect(try Self.parse("[NaN, Infinity, -Infinity]").canonicalText == "[NaN,Infinity,-Infinity]")
  }

  @Test func membersCanBeSetAndEncoded() throws {
    var value: JSONValue = ["a": 1, "list": ["x", 2.5, false]]
    value["b"] = ["c": nil]
    value["a"] = nil
    #expect(
      value.prettyText
        == "{\n  \"b\": {\n    \"c\": null\n  },\n  \"list\": [\n    \"x\",\n    2.5,\n    false\n  ]\n}\n")
    #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
  }

  @Test(arguments: [
    ("", "the file is empty"), (" ", "ends where a value"), ("{\"a\":1,}", "where a string"), ("{\"a\" 1}", "\":\""),
    ("[1 2]", "\"]\""),
    ("[1,]", "a value"), ("{\"a\":1}\n x", "line 2, byte 9"), ("nul", "a value"), ("01", "a number"),
    ("1.", "a number"),
    ("-", "a number"), ("1e", "a number"), ("\"\\q\"", "escape"), ("\"abc", "does not end"), ("'a'", "a value"),
    ("{1:2}", "a string"), ("\u{FEFF}{}", "byte-order mark"),
    (String(repeating: "[", count: 1_000_000), "more than 128"),
    (String(repeating: "{\"a\":", count: 1_000_000), "more than 128"),
  ])
  func damagedTextIsRefused(text: String, part: String) {
    #expect {
      try Self.parse(text)
    } throws: { error in
      (error as? CheckpointError)?.code == .invalidJSON && "\(error)".contains(part)
        && "\(error)".hasPrefix("config.json: not valid JSON") && !"\(error)".contains("\n")
    }
  }

  @Test func largeAndMissingFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("[1, 2, 3]", to: "a.json")
    #expect {
      try JSONValue(contentsOf: path, maximumBytes: 8)
    } throws: { error in
      "\(error)".contains("9 bytes of JSON are more than 8")
    }
    #expect {
      try JSONValue(contentsOf: folder.file("b.json"))
    } throws: { error in
      (error as? CheckpointError)?.code == .storage && "\(error)".contains("No such file")
    }
  }

  @Test func damagedBytesNeverCrash() throws {
    let valid = try TemporaryFolder.bytes(of: Fixtures.path("models/tiny-llama-bf16/config.json"))
    var generator = SeededGenerator(seed: 7)
    var refused = 0
    for _ in 0..<1000 {
      var bytes = valid
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      do throws(CheckpointError) {
        _ = try JSONValue(parsing: bytes, path: "config.json").prettyText
      } catch {
        refused += 1
      }
    }
    #expect(refused > 500)
  }
}
