import Foundation
import Testing
import Tokenizers

/// What the goldens do not reach: equality of bytes, decoding, long texts, hostile patterns, threads.
@Suite struct BehaviorTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Tokens that Swift's `String` takes for equal stay two.
  @Test func canonicallyEquivalentTokensDiffer() throws {
    let added =
      #"[{"content": "\u00e9", "id": 3, "normalized": false}, {"content": "e\u0301", "id": 4, "normalized": false}]"#
    let tokenizer = try folder.tokenizer(RefusalTests.json(added: added))
    #expect(tokenizer.vocabularySize == 5)
    #expect(tokenizer.id(of: "\u{e9}") == 3)
    #expect(tokenizer.id(of: "e\u{301}") == 4)
    #expect(try tokenizer.encode("e\u{301}\u{e9}") == [4, 3])
    let vocabulary = try folder.tokenizer(
      RefusalTests.json(vocab: #"{"a": 0, "b": 1, "ab": 2, "\u00e9": 3, "e\u0301": 4}"#))
    #expect(vocabulary.vocabularySize == 5)
  }

  @Test func hugeIdsCostNothing() throws {
    let tokenizer = try folder.tokenizer(RefusalTests.json(vocab: #"{"a": 2147483646, "b": 1, "ab": 2}"#))
    #expect(tokenizer.vocabularySize == 2_147_483_647)
    #expect(try tokenizer.encode("a abb") == [2_147_483_646, 2, 1])
  }

  @Test func decoding() throws {
    let added = #"[{"content": "<s>", "id": 3, "special": true}, {"content": "ö ", "id": 4}]"#
    let tokenizer = try folder.tokenizer(RefusalTests.json(added: added))
    #expect(try tokenizer.decode([3, 2, 4, 0]) == "<s>abö a")
    #expect(try tokenizer.decode([3, 2, 4, 0], skipSpecialTokens: true) == "abö a")
    #expect(try tokenizer.decode([]) == "")
    for id in [-1, 5, Int32.max, Int32.min] {
      let error = #expect(throws: TokenizerError.self) { try tokenizer.decode([0, id]) }
      #expect(error?.code == .unknownID)
      #expect(error?.description.contains("\(id)") == true)
    }
    let spelled = try folder.tokenizer(RefusalTests.json(decoder: "null"))
    #expect(try spelled.decode([0, 2, 1]) == "a ab b")
  }

  /// Words, runs and added tokens of tens of thousands of bytes come back as they were.
  @Test func longWords() throws {
    let path = fixtures.appending(path: "tokenizers/llama3.tokenizer.json").path
    let tokenizer = try Tokenizer(contentsOfFile: path)
    for unit in ["a", "ab", " ", "\n", "1", "é", "🙂", "<|end", "<|end|>", " <both> ", "\u{301}a"] {
      let text = String(repeating: unit, count: 20000)
      let ids = try tokenizer.encode(text, addSpecialTokens: false)
      #expect(ids.count >= 20000 * unit.utf8.count / 64)
      if unit != " <both> " { #expect(try scalars(tokenizer.decode(ids)) == scalars(text), "\(unit.debugDescription)") }
    }
    let merged = try folder.tokenizer(RefusalTests.json())
    #expect(try merged.encode(String(repeating: "ab", count: 50000)) == [Int32](repeating: 2, count: 50000))
  }

  /// Composition does not depend on where blocks are cut, and gives up on marks without end.
  @Test func longNormalization() throws {
    let path = fixtures.appending(path: "tokenizers/qwen2.tokenizer.json").path
    let tokenizer = try Tokenizer(contentsOfFile: path)
    for unit in ["e\u{301}", "\u{1100}\u{1161}\u{11a8}", "日e\u{323}\u{302}", "🙂\u{301}", "e\u{301}\u{1DF6}\u{301} "] {
      let text = String(repeating: unit, count: 5000)
      let once = try tokenizer.encode(unit, addSpecialTokens: false)
      let composed = try tokenizer.decode(tokenizer.encode(text))
      #expect(try scalars(composed) == scalars(String(repeating: tokenizer.decode(once), count: 5000)))
    }
    let error = #expect(throws: TokenizerError.self) {
      try tokenizer.encode("e" + String(repeating: "\u{301}\u{323}", count: 100_000))
    }
    #expect(error?.code == .textTooLong)
  }

  @Test func hostilePatternsEnd() throws {
    let tokenizer = try folder.tokenizer(RefusalTests.json(pre: RefusalTests.split("((a+)+)+[cd]")))
    let error = #expect(throws: TokenizerError.self) { try tokenizer.encode(String(repeating: "a", count: 60)) }
    #expect(error?.code == .patternFailed)
    #expect(error?.description.contains("'((a+)+)+[cd]'") == true)
  }

  @Test func patternsSeeOnlyTheirPiece() throws {
    // The lookbehind must not see the added token before the piece.
    let json = RefusalTests.json(pre: RefusalTests.split("(?<=x)ab|^b"), added: #"[{"content": "x", "id": 3}]"#)
    #expect(try folder.tokenizer(json).encode("xabxb") == [3, 2, 3, 1])
  }

  @Test func templatesNest() throws {
    let a = RefusalTests.template(#"[{"SpecialToken": {"id": "a"}}, {"Sequence": {"id": "A"}}]"#, ids: "[0, 1]")
    let b = RefusalTests.template(#"[{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "a"}}]"#, ids: "[2]")
    let tokenizer = try folder.tokenizer(
      RefusalTests.json(post: #"{"type": "Sequence", "processors": [{"type": "ByteLevel"}, \#(a), \#(b)]}"#))
    #expect(try tokenizer.encode("b") == [0, 1, 1, 2])
    #expect(try tokenizer.encode("") == [0, 1, 2])
    #expect(try tokenizer.encode("b", addSpecialTokens: false) == [1])
  }

  @Test func threadsShareATokenizer() async throws {
    let tokenizer = try Tokenizer(contentsOfFile: fixtures.appending(path: "../../demo/model/tokenizer.json").path)
    let text = String(repeating: "To be, or not to be: that is the question.\n", count: 50)
    let expected = try tokenizer.encode(text)
    let results = try await withThrowingTaskGroup(of: [Int32].self) { group in
      for _ in 0..<8 { group.addTask { try tokenizer.encode(text) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.allSatisfy { $0 == expected })
  }
}
