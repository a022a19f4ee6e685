import Foundation
import Testing
import Tokenizers

/// Files that are not byte-level BPE, contradict themselves, or attack the reader: one line that names file and key.
@Suite struct RefusalTests {
  /// A small tokenizer with parts to replace, each a JSON fragment.
  static func json(
    normalizer: String = "null", pre: String = byteLevel, post: String = "null", decoder: String = byteLevel,
    model: String? = nil, vocab: String = #"{"a": 0, "b": 1, "ab": 2}"#, merges: String = #"[["a", "b"]]"#,
    settings: String = "", added: String = "[]"
  ) -> String {
    let model = model ?? #"{"type": "BPE", \#(settings) "vocab": \#(vocab), "merges": \#(merges)}"#
    return
      #"{"normalizer": \#(normalizer), "pre_tokenizer": \#(pre), "post_processor": \#(post), "decoder": \#(decoder), "#
      + #""model": \#(model), "added_tokens": \#(added)}"#
  }

  static let byteLevel = #"{"type": "ByteLevel", "add_prefix_space": false}"#

  static func split(_ pattern: String, _ behavior: String = "Isolated") -> String {
    #"{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\#(pattern)"}, "#
      + #""behavior": "\#(behavior)"}, \#(byteLevel)]}"#
  }

  static func template(_ single: String, ids: String = "[0]") -> String {
    #"{"type": "TemplateProcessing", "single": \#(single), "special_tokens": {"a": {"id": "a", "ids": \#(ids)}}}"#
  }

  static let nested = String(repeating: "[", count: 100_000)

  /// What is read, the code, and what the message names.
  static let cases: [(String, TokenizerError.Code, String)] = [
    ("", .malformedJSON, "byte 0"), ("{", .malformedJSON, "byte 1"), ("[]", .invalidValue, "the document"),
    ("{}", .unsupported, "pre_tokenizer"), ("{} x", .malformedJSON, "byte 3"), (#"{"a" 1}"#, .malformedJSON, "\":\""),
    (#"{"a": tru}"#, .malformedJSON, "a value"), (#"{"a": 01}"#, .malformedJSON, "byte 6"),
    (#"{"a": -}"#, .malformedJSON, "a number"),
    (#"{"a": "\ud800"}"#, .malformedJSON, "surrogate"), (#"{"a": "\ud800\u0041"}"#, .malformedJSON, "surrogate"),
    (#"{"a": "\x"}"#, .malformedJSON, "escape"), (#"{"a": "\u00g0"}"#, .malformedJSON, "incomplete"),
    ("{\"a\": \"\n\"}", .malformedJSON, "control character"), (#"{"a": "b"#, .malformedJSON, "does not end"),
    (nested, .malformedJSON, "nested deeper"), (#"{"a":"# + nested, .malformedJSON, "nested deeper"),
    (String(repeating: #"{"a":"#, count: 100_000), .malformedJSON, "nested deeper"),
    (json(normalizer: #"{"type": "Lowercase"}"#), .unsupported, "'Lowercase'"),
    (json(normalizer: #"{"type": "Precompiled"}"#), .unsupported, "normalizer: the normalizer 'Precompiled'"),
    (json(normalizer: #"{"type": "Sequence", "normalizers": [{"type": "NFKC"}]}"#), .unsupported, "normalizers[0]"),
    (json(normalizer: "7"), .invalidValue, "normalizer"), (json(pre: "null"), .unsupported, "pre_tokenizer"),
    (json(pre: #"{"type": "Metaspace"}"#), .unsupported, "'Metaspace'"),
    (json(pre: #"{"type": "Digits"}"#), .unsupported, "without ByteLevel"), (json(pre: "{}"), .invalidValue, "type"),
    (
      json(pre: #"{"type": "Sequence", "pretokenizers": [\#(byteLevel), \#(byteLevel)]}"#), .unsupported,
      "after ByteLevel"
    ),
    (json(pre: split("a(")), .invalidValue, "pattern.Regex"), (json(pre: split("[a&&b]")), .unsupported, "&&"),
    (json(pre: split("[[a]]")), .unsupported, "class within a class"),
    (json(pre: split(#"\\b"#)), .unsupported, "pattern"),
    (json(pre: split(#"\\p{N}{1,3}+"#)), .unsupported, "{1,3}+"), (json(pre: split("a(?i)b")), .unsupported, "(?i)"),
    (json(pre: split("(*COMMIT)")), .unsupported, "(*"),
    (json(pre: split(#"\\p{Nonsense}"#)), .invalidValue, "compile"),
    (json(pre: split(#"\\p{Script=Han}"#)), .unsupported, "Script=Han"),
    (json(pre: split("[a")), .unsupported, "without its ]"),
    (json(pre: split("a", "Sideways")), .invalidValue, "'Sideways'"),
    (json(pre: split(#"\\xff"#)), .unsupported, "xff"),
    (json(pre: split(String(repeating: "a", count: 70000))), .invalidValue, "65536"),
    (json(pre: split(String(repeating: "(", count: 9000))), .invalidValue, "compile"),
    (json(post: #"{"type": "RobertaProcessing"}"#), .unsupported, "'RobertaProcessing'"),
    (json(post: template(#"[{"Sequence": {"id": "B"}}]"#)), .invalidValue, "single[0].Sequence.id"),
    (json(post: template(#"[{"SpecialToken": {"id": "z"}}]"#)), .invalidValue, "special_tokens"),
    (json(post: template(#"[{"SpecialToken": {"id": "a"}}]"#, ids: "[-1]")), .invalidValue, "-1"),
    (json(post: template(#"[{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]"#)), .unsupported, "repeats"),
    (json(decoder: #"{"type": "WordPiece"}"#), .unsupported, "'WordPiece'"),
    (json(model: #"{"type": "Unigram", "vocab": []}"#), .unsupported, "'Unigram'"),
    (json(model: #"{"type": "WordPiece"}"#), .unsupported, "model.type: the model 'WordPiece'"),
    (json(model: #"{"type": "BPE", "vocab": {"a": 0}}"#), .invalidValue, "model.merges"),
    (json(settings: #""byte_fallback": true,"#), .unsupported, "model.byte_fallback"),
    (json(settings: #""dropout": 0.1,"#), .unsupported, "dropout"),
    (json(settings: #""unk_token": "z","#), .invalidValue, "'z'"),
    (json(settings: #""end_of_word_suffix": "</w>","#), .unsupported, "end_of_word_suffix"),
    (json(settings: #""ignore_merges": 1,"#), .invalidValue, "ignore_merges"),
    (json(vocab: "[]"), .invalidValue, "model.vocab"), (json(vocab: "{}"), .invalidValue, "empty"),
    (json(vocab: #"{"a": -1}"#), .invalidValue, "'a'"), (json(vocab: #"{"a": 2147483647}"#), .invalidValue, "'a'"),
    (json(vocab: #"{"a": 99999999999999999999}"#), .invalidValue, "'a'"),
    (json(vocab: #"{"a": 0.5}"#), .invalidValue, "'a'"),
    (json(vocab: #"{"a": 0, "b": 0}"#), .invalidValue, "'b'"),
    (json(vocab: #"{"a": 0, "a": 1}"#), .invalidValue, "twice"),
    (json(merges: #"[["a", "z"]]"#), .invalidValue, "model.merges[0]: the token 'z'"),
    (json(merges: #"[["b", "a"]]"#), .invalidValue, "'ba'"), (json(merges: #"["a b c"]"#), .invalidValue, "merges[0]"),
    (json(merges: #"[["a"]]"#), .invalidValue, "pair"), (json(merges: "[7]"), .invalidValue, "a number"),
    (json(merges: "7"), .invalidValue, "array"), (json(added: "{}"), .invalidValue, "added_tokens"),
    (json(added: #"[{"content": "x", "id": 9}]"#), .invalidValue, "added_tokens[0].id"),
    (json(added: #"[{"content": "a", "id": 1}]"#), .invalidValue, "has id 1"),
    (json(added: #"[{"id": 3}]"#), .invalidValue, "content"),
    (json(added: #"[{"content": "x", "id": 3}, {"content": "x", "id": 4}]"#), .invalidValue, "twice"),
    (json(added: #"[{"content": "x", "id": "3"}]"#), .invalidValue, "an integer"),
    (json(added: #"[{"content": "\#(String(repeating: "x", count: 5000))", "id": 3}]"#), .invalidValue, "4096"),
  ]

  @Test func oneLineEach() throws {
    let folder = try TemporaryFolder()
    for (json, code, names) in Self.cases {
      let error = #expect(throws: TokenizerError.self, "\(json.prefix(200))") { try folder.tokenizer(json) }
      let message = error?.description ?? ""
      #expect(error?.code == code, "\(message) \(json.prefix(200))")
      #expect(message.contains(names), "\(message)")
      #expect(message.contains("tokenizer.json"), "\(message)")
      #expect(!message.contains("\n") && message.utf8.count < 600, "\(message)")
    }
  }

  @Test func everyTruncationAndFlippedByteIsSurvived() throws {
    let folder = try TemporaryFolder()
    let whole = Data(Self.json(added: #"[{"content": "x", "id": 3, "special": true}]"#).utf8)
    for length in 0..<whole.count {
      let path = try folder.file(whole.prefix(length))
      #expect(throws: TokenizerError.self) { try Tokenizer(contentsOfFile: path) }
      var flipped = whole
      flipped[length] ^= 0x05
      let tokenizer = try? Tokenizer(contentsOfFile: folder.file(flipped))
      _ = try? tokenizer?.encode("ab x ab")
    }
  }

  @Test func filesThatAreNone() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.url.appending(path: "pipe").path
    let status = unsafe mkfifo(pipe, 0o600)
    #expect(status == 0)
    for path in [folder.url.path, pipe, "/dev/zero", folder.url.appending(path: "absent").path, "a\0b", ""] {
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOfFile: path) }
      #expect(error?.code == .unreadableFile)
    }
    let path = try folder.file(Data([0x7B, 0xFF, 0x7D]))
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOfFile: path) }
    #expect(error?.description == "\(path): invalid UTF-8 at byte 1; save the file as UTF-8")
  }
}
