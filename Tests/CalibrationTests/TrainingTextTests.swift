import Calibration
import Foundation
import Testing
import Tokenizers

/// Text and instructions as sequences to train on.
@Suite struct TrainingTextTests {
  let folder: TemporaryFolder
  let tokenizer: Tokenizer

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try demoTokenizer()
  }

  func sequences(
    _ text: String, _ name: String = "a.jsonl", length: Int = 64, seed: UInt64 = 0, endOfText: Int32? = 0,
    limit: Int = 100
  ) throws -> [TrainingSequence] {
    try TrainingSequences(
      folder.source(text.utf8, name), tokenizer: tokenizer, length: length, seed: seed, endOfText: endOfText,
      limit: limit
    ).sequences
  }

  func row(_ instruction: String, _ output: String, input: String = "") -> String {
    "{\"instruction\": \"\(instruction)\", \"input\": \"\(input)\", \"output\": \"\(output)\"}\n"
  }

  /// Alpaca's words, without an input.
  func prompt(_ instruction: String) throws -> [Int32] {
    try tokenizer.encode(
      "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        + "### Instruction:\n\(instruction)\n\n### Response:", addSpecialTokens: false)
  }

  /// Plain text: consecutive pieces, all of them, shuffled by the seed; every token but the first is a target.
  @Test(arguments: ["a.jsonl", "a.txt"]) func plain(name: String) throws {
    let words = (0..<300).map { "to be \($0) or not, " }
    let text = name == "a.txt" ? words.joined() : words.map { "{\"text\": \"\($0)\"}\n" }.joined()
    let all = try TokenSequences.tokens(of: folder.source(text.utf8, name), tokenizer: tokenizer)
    let pieces = (0..<all.count / 32).map { Array(all[$0 * 32..<$0 * 32 + 32]) }
    let found = try sequences(text, name, length: 32)
    #expect(pieces.count > 20 && found.count == pieces.count)
    #expect(Set(found.map(\.ids)) == Set(pieces) && found.map(\.ids) != pieces)
    #expect(found.allSatisfy { $0.scoredFrom == 1 && $0.targets == 31 })
    #expect(try sequences(text, name, length: 32) == found)
    #expect(try sequences(text, name, length: 32, seed: 1) != found)
    #expect(try sequences(text, name, length: 32, limit: 5).count == 5)
  }

  /// One row is one sequence: prompt, output, end of text; only the latter two are targets.
  @Test func instructions() throws {
    let text = row("Greet.", "Hello there") + row("Name a king.", "Lear")
    let found = try sequences(text, length: 128).sorted { $0.ids.count > $1.ids.count }
    #expect(found.count == 2)
    let answers = [("Greet.", "Hello there"), ("Name a king.", "Lear")]
    for (instruction, output) in answers {
      let context = try prompt(instruction)
      let ids = try context + tokenizer.encode(output, addSpecialTokens: false) + [0]
      #expect(found.contains(try TrainingSequence(ids: ids, scoredFrom: context.count)))
    }
    let open = try sequences(row("Greet.", "Hello there"), length: 128, endOfText: nil)
    let context = try prompt("Greet.")
    #expect(try open.first?.ids == context + tokenizer.encode("Hello there", addSpecialTokens: false))
  }

  /// An input stands in the prompt, so it is no target.
  @Test func inputs() throws {
    let found = try sequences(row("Add.", "3", input: "1 + 2"), length: 128)
    let decoded = try tokenizer.decode(Array(found[0].ids.prefix(found[0].scoredFrom)))
    #expect(decoded.contains("### Input:\n1 + 2\n\n### Response:") && !decoded.contains("3"))
    #expect(found[0].targets == (try tokenizer.encode("3", addSpecialTokens: false).count) + 1)
  }

  /// What is over the length is cut off the output; without any output left the row is left out.
  @Test func truncation() throws {
    let context = try prompt("Greet.").count
    let text = row("Greet.", "Hello there, good people of Verona")
    let whole = try sequences(text, length: 500)[0]
    #expect(whole.scoredFrom == context && whole.targets > 5 && whole.ids.last == 0)
    for targets in 1...5 {
      let cut = try sequences(text, length: context + targets)[0]
      #expect(cut.targets == targets && cut.ids == Array(whole.ids.prefix(context + targets)))
    }
    let error = #expect(throws: CalibrationError.self) { try sequences(text, length: context) }
    #expect(error?.code == .tooFewTokens)
    #expect(error?.message.contains("of 1 instructions none has a token of its output within \(context)") == true)
    // A row that fits is not lost for the sake of one that does not.
    let long = row("Greet at great length, with many and many a word.", "Hi")
    #expect(try sequences(long + text, length: context + 2).map(\.ids) == [Array(whole.ids.prefix(context + 2))])
  }

  /// An empty output teaches to stop, if there is a token for it.
  @Test func emptyOutput() throws {
    #expect(try sequences(row("Be silent.", ""), length: 128).map(\.targets) == [1])
    #expect(throws: CalibrationError.self) { try sequences(row("Be silent.", ""), length: 128, endOfText: nil) }
  }

  /// Documents of one file are each of their own kind, and plain text runs on over an instruction.
  @Test func mixture() throws {
    let plain = "{\"text\": \"To be, or not to be, that is the question: whether tis nobler in the mind to suffer\"}\n"
    let three = plain + plain + plain
    let found = try sequences(three + row("Greet.", "Hello") + three, length: 128)
    let joined = try TokenSequences.tokens(of: folder.source((three + three).utf8, "b.jsonl"), tokenizer: tokenizer)
    #expect(joined.count >= 128)
    for start in stride(from: 0, through: joined.count - 128, by: 128) {
      #expect(found.contains(try TrainingSequence(ids: Array(joined[start..<start + 128]))))
    }
    #expect(found.count == joined.count / 128 + 1)
    #expect(found.contains { $0.scoredFrom > 1 && $0.ids.last == 0 })
  }

  /// Text beyond what is needed is not even read.
  @Test func readsNoFurther() throws {
    let rows = String(repeating: row("Greet.", "Hello"), count: 8) + "nonsense\n"
    #expect(try sequences(rows, length: 128, limit: 2).count == 2)
    #expect(throws: CalibrationError.self) { try sequences(rows, length: 128, limit: 3) }
    let bytes = Array(String(repeating: "to be, or not to be ", count: 5000).utf8) + [0xFF]
    let text = try folder.source(bytes, "long.txt")
    let found = try TrainingSequences(text, tokenizer: tokenizer, length: 8, seed: 0, endOfText: nil, limit: 3)
    #expect(found.sequences.count == 3)
  }

  @Test(arguments: [(1, 1), (0, 1), (-5, 1), (2, 0), (2, -1), (Int.max, 1), (Int.max, Int.max), (Int.min, Int.min)])
  func impossibleNumbers(length: Int, limit: Int) {
    let error = #expect(throws: CalibrationError.self) {
      try sequences(row("Greet.", "Hello"), length: length, limit: limit)
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: [
    ("a.jsonl", "{\"text\": \"too short\"}", CalibrationError.Code.tooFewTokens, "make no sequence of 64"),
    ("a.txt", "too short", .tooFewTokens, "make no sequence of 64"), ("a.json", "[]", .empty, "array is empty"),
    ("a.json", "[{\"instruction\": \"a\"}]", .malformedDocument, "element 0"),
    ("a.jsonl", "{\"instruction\": \"a\", \"output\": 3}", .malformedDocument, "line 1"),
    ("a.jsonl.gz", "{}", .damagedCompression, "not gzip"),
  ])
  func refused(name: String, text: String, code: CalibrationError.Code, part: String) {
    let error = #expect(throws: CalibrationError.self) { try sequences(text, name, limit: Int.max) }
    #expect(error?.code == code && error?.message.contains(part) == true, "\(error?.message ?? "")")
  }

  /// Of a conversation all behind the first answer's name is a target, of a pair the answer; an empty prompt is none.
  @Test(arguments: [
    (
      #"{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, "#
        + #"{"role": "user", "content": "Bye"}]}"#, "User: Hi\n\nAssistant:", " Hello\n\nUser: Bye"
    ),
    (#"{"conversations": [{"from": "gpt", "value": "Hello"}]}"#, "Assistant:", " Hello"),
    (#"{"prompt": "Greet: ", "completion": "Hello"}"#, "Greet: ", "Hello"),
    (#"{"question": "Who?", "answer": "Lear"}"#, "Question: Who?\nAnswer:", " Lear"),
  ]) func answers(line: String, prompt: String, output: String) throws {
    let context = try tokenizer.encode(prompt, addSpecialTokens: false)
    let ids = try context + tokenizer.encode(output, addSpecialTokens: false) + [0]
    #expect(try sequences(line, length: 128) == [TrainingSequence(ids: ids, scoredFrom: context.count)])
  }

  @Test func emptyPrompt() throws {
    let words = "To be, or not to be, that is the question"
    let ids = try tokenizer.encode(words, addSpecialTokens: false)
    let found = try sequences("{\"prompt\": \"\", \"completion\": \"\(words)\"}", length: 8)
    #expect(found.count == ids.count / 8 && found.allSatisfy { $0.scoredFrom == 1 })
  }
}
