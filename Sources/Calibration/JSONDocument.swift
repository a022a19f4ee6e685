import Safetensors
import Tensors

/// A JSON value as a document of text: what fields are read, and which of them comes first, is here alone.
///
/// Fields that nobody reads may hold anything that JSON and Python's `json` write, `NaN` too.
struct JSONDocument {
  /// What is wrong with a value that is JSON, but no document.
  struct ShapeProblem: Error { let message: String }

  /// The fields that are read.
  private enum Field: String {
    case text, content, messages, conversations, instruction, input, output, prompt, completion, question, answer
  }

  /// What a field holds.
  private enum Content {
    case null
    case string(String)
    case turns([JSONConversation.Turn])
    /// Of another kind, in words.
    case other(String)
  }

  /// The document.
  let document: TextDocument
  /// Halves of surrogate pairs that were read as U+FFFD.
  let replacedSurrogates: Int

  /// Reads the value that `bytes` hold, and nothing else.
  ///
  /// - Throws: ``JSONScanner/Failure`` for what is no JSON, ``ShapeProblem`` for what is no document.
  init(_ bytes: [UInt8]) throws {
    var scanner = JSONScanner(bytes, replacesLoneSurrogates: true)
    switch scanner.peek() {
    case UInt8(ascii: "{"):
      let (fields, others) = try Self.fields(&scanner)
      try scanner.expectEnd()
      document = try Self.document(fields, others: others)
    case UInt8(ascii: "\""):
      let text = try scanner.string()
      try scanner.expectEnd()
      document = .text(text)
    default:
      let kind = try scanner.skipValue()
      try scanner.expectEnd()
      throw ShapeProblem(message: "\(kind.rawValue), not an object")
    }
    replacedSurrogates = scanner.replacedSurrogates
  }

  /// An object's fields that are read, the last of equal ones, and the first names of those that are not.
  private static func fields(
    _ scanner: inout JSONScanner
  ) throws(JSONScanner.Failure) -> (read: [Field: Content], others: [String]) {
    var (read, others): ([Field: Content], [String]) = ([:], [])
    try scanner.expect("{")
    if scanner.skip("}") { return (read, others) }
    repeat {
      let name = try scanner.string()
      try scanner.expect(":")
      if let field = Field(rawValue: name) {
        read[field] = try content(of: field, &scanner)
      } else {
        if others.count < mostNames { others.append(name) }
        try scanner.skipValue(depth: 1)
      }
    } while scanner.skip(",")
    try scanner.expectClose("}")
    return (read, others)
  }

  private static func content(
    of field: Field, _ scanner: inout JSONScanner
  ) throws(JSONScanner.Failure) -> Content {
    let first = scanner.peek()
    if first == UInt8(ascii: "\"") { return .string(try scanner.string()) }
    if first == UInt8(ascii: "["), field == .messages || field == .conversations {
      return .turns(try JSONConversation.turns(&scanner))
    }
    let kind = try scanner.skipValue(depth: 1)
    return kind == .null ? .null : .other(kind.rawValue)
  }

  /// The first of the forms that the fields have; a `null` counts as a field that is not there, and an object with nothing
  /// but such as an empty text.
  private static func document(_ fields: [Field: Content], others: [String]) throws(ShapeProblem) -> TextDocument {
    var problem: String?
    for form in Form.allCases {
      do throws(ShapeProblem) {
        if let document = try document(form, fields) { return document }
      } catch {
        problem = problem ?? error.message
      }
    }
    if let problem { throw ShapeProblem(message: problem) }
    if !fields.isEmpty, fields.values.allSatisfy({ if case .null = $0 { true } else { false } }) { return .text("") }
    let names = (fields.keys.map(\.rawValue).sorted() + others).prefix(mostNames).map(OneLine.quoted)
    let has = names.isEmpty ? "an empty object" : "an object of \(names.joined(separator: ", "))"
    throw ShapeProblem(
      message: "\(has), but text is read from text, content, messages, conversations, instruction and output, prompt "
        + "and completion, or question and answer; rename a field")
  }

  private static let mostNames = 8

  /// What fields can make together, the preferred first.
  private enum Form: CaseIterable {
    case text, content, messages, conversations, instruction, completion, answer
  }

  /// The document of a form; nil where its fields are not there.
  private static func document(_ form: Form, _ fields: [Field: Content]) throws(ShapeProblem) -> TextDocument? {
    switch form {
    case .text: return try string(.text, fields).map { .text($0) }
    case .content: return try string(.content, fields).map { .text($0) }
    case .messages: return try conversation(.messages, fields)
    case .conversations: return try conversation(.conversations, fields)
    case .instruction:
      guard let (instruction, output) = try pair(.instruction, .output, fields) else { return nil }
      return alpaca(instruction, input: try string(.input, fields) ?? "", output: output)
    case .completion:
      // As in TRL, the completion stands right behind the prompt.
      guard let (prompt, completion) = try pair(.prompt, .completion, fields) else { return nil }
      return .instruction(prompt: prompt, output: completion)
    case .answer:
      guard let (question, answer) = try pair(.question, .answer, fields) else { return nil }
      return .instruction(prompt: "Question: \(question)\nAnswer:", output: " \(answer)")
    }
  }

  /// The string in a field; nil without the field.
  private static func string(_ field: Field, _ fields: [Field: Content]) throws(ShapeProblem) -> String? {
    switch fields[field] {
    case .string(let string): return string
    case nil, .null: return nil
    case .turns: throw ShapeProblem(message: "the field \(field.rawValue) is a list, not a string")
    case .other(let kind): throw ShapeProblem(message: "the field \(field.rawValue) is \(kind), not a string")
    }
  }

  /// The strings in two fields that belong together; nil without the first of them.
  private static func pair(
    _ first: Field, _ second: Field, _ fields: [Field: Content]
  ) throws(ShapeProblem) -> (String, String)? {
    guard let one = try string(first, fields) else { return nil }
    guard let other = try string(second, fields) else {
      throw ShapeProblem(message: "the field \(first.rawValue) has no \(second.rawValue) beside it")
    }
    return (one, other)
  }

  private static func conversation(_ field: Field, _ fields: [Field: Content]) throws(ShapeProblem) -> TextDocument? {
    switch fields[field] {
    case .turns(let turns):
      if let problem = turns.firstIndex(where: { $0.problem != nil }) {
        throw ShapeProblem(message: "message \(problem) of \(field.rawValue) \(turns[problem].problem ?? "")")
      }
      return JSONConversation.document(turns)
    case nil, .null: return nil
    case .string: throw ShapeProblem(message: "the field \(field.rawValue) is a string, not a list of messages")
    case .other(let kind):
      throw ShapeProblem(message: "the field \(field.rawValue) is \(kind), not a list of messages")
    }
  }

  /// An instruction put into words by the prompts of Stanford Alpaca (tatsu-lab/stanford_alpaca, `train.py`), which put the
  /// output right behind "### Response:".
  private static func alpaca(_ instruction: String, input: String, output: String) -> TextDocument {
    let context = input.isEmpty ? "." : ", paired with an input that provides further context."
    let further = input.isEmpty ? "" : "### Input:\n\(input)\n\n"
    return .instruction(
      prompt: "Below is an instruction that describes a task\(context) "
        + "Write a response that appropriately completes the request.\n\n"
        + "### Instruction:\n\(instruction)\n\n\(further)### Response:",
      output: output)
  }
}
