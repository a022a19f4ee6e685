import Foundation
import Testing
import Tokenizers

/// The tokenizer of SmolLM2, which is too large to be a fixture.
private let smolLM2Path = ProcessInfo.processInfo.environment["ESPALIER_SMOLLM2"].map { "\($0)/tokenizer.json" }

/// Ids and texts against Hugging Face's `tokenizers`; Tests/Fixtures/tokenizers/make-fixtures.py made the goldens.
@Suite struct GoldenTests {
  func check(_ tokenizer: Tokenizer, _ rows: [Golden]) throws {
    #expect(!rows.isEmpty)
    for row in rows {
      #expect(try tokenizer.encode(row.text, addSpecialTokens: false) == row.ids, "\(row.text.debugDescription)")
      if let ids = row.idsSpecial {
        #expect(try tokenizer.encode(row.text) == ids, "\(row.text.debugDescription)")
      }
      if let decoded = row.decoded {
        #expect(try scalars(tokenizer.decode(row.ids)) == scalars(decoded), "\(row.text.debugDescription)")
      }
      if let decoded = row.decodedSkip {
        let text = try tokenizer.decode(row.ids, skipSpecialTokens: true)
        #expect(scalars(text) == scalars(decoded), "\(row.text.debugDescription)")
      }
    }
  }

  @Test(arguments: ["llama3", "qwen2"]) func family(name: String) throws {
    let path = fixtures.appending(path: "tokenizers/\(name).tokenizer.json").path
    try check(Tokenizer(contentsOfFile: path), Golden.rows("\(name).golden.json"))
  }

  @Test(.enabled(if: smolLM2Path.map { FileManager.default.fileExists(atPath: $0) } ?? false, "set ESPALIER_SMOLLM2"))
  func smolLM2() throws {
    let tokenizer = try Tokenizer(contentsOfFile: smolLM2Path ?? "")
    #expect(tokenizer.vocabularySize == 49152)
    #expect(tokenizer.id(of: "<|im_end|>") == 2)
    try check(tokenizer, Golden.rows("tokenizer-smollm2.json"))
  }

  @Test func demo() throws {
    let tokenizer = try Tokenizer(contentsOfFile: fixtures.appending(path: "../../demo/model/tokenizer.json").path)
    #expect(tokenizer.vocabularySize == 1024)
    #expect(tokenizer.id(of: "<|endoftext|>") == 0)
    #expect(tokenizer.id(of: "the") == 910)
    #expect(tokenizer.id(of: "no such token") == nil)
    let text = "To be, or not\n\nto be: 1603 é e\u{301} 🙂"
    #expect(try scalars(tokenizer.decode(tokenizer.encode(text))) == scalars(text))
  }

  struct Variants: Decodable {
    struct Case: Decodable { let rows: [Golden] }
    let cases: [Case]
  }

  /// Every behavior of Split, inverted or not, Digits, prefix spaces, and Oniguruma's spellings.
  @Test func preTokenizers() throws {
    let data = try Data(contentsOf: fixtures.appending(path: "tokenizers/variants.json"))
    let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    var tokenizer = try #require(document["tokenizer"] as? [String: Any])
    let cases = try #require(document["cases"] as? [[String: Any]])
    let goldens = try JSONDecoder().decode(Variants.self, from: data).cases
    let folder = try TemporaryFolder()
    for (variant, golden) in zip(cases, goldens) {
      tokenizer["pre_tokenizer"] = variant["pre_tokenizer"]
      let path = try folder.file(JSONSerialization.data(withJSONObject: tokenizer))
      let read = try Tokenizer(contentsOfFile: path)
      for row in golden.rows {
        let ids = try read.encode(row.text)
        #expect(ids == row.ids, "\(String(describing: variant["pre_tokenizer"])) \(row.text.debugDescription)")
      }
    }
  }

  /// Bytes the vocabulary lacks are dropped, or stand as unknown tokens, one each or fused.
  @Test func unknownBytes() throws {
    let data = try Data(contentsOf: fixtures.appending(path: "tokenizers/unknown.json"))
    let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    let goldens = try JSONDecoder().decode([Variants.Case].self, from: data)
    let folder = try TemporaryFolder()
    for (variant, golden) in zip(cases, goldens) {
      let json = try JSONSerialization.data(withJSONObject: #require(variant["tokenizer"]))
      let tokenizer = try Tokenizer(contentsOfFile: folder.file(json))
      for row in golden.rows { #expect(try tokenizer.encode(row.text) == row.ids, "\(row.text)") }
    }
  }
}
