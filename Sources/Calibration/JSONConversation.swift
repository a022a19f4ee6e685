import Safetensors

/// A list of messages, as chat models are trained on: `{role, content}` of OpenAI and Hugging Face, or `{from, value}` of
/// ShareGPT.
///
/// It is put into words without the model's chat template, which is a program: `User: …`, `Assistant: …`, an empty line
/// between them.
enum JSONConversation {
  /// One message.
  struct Turn {
    /// As the file spells it.
    var role: String?
    /// Empty for a message without text, such as a call of a tool.
    var content = ""
    /// What is wrong with the message, as the end of "message 2 of messages …".
    var problem: String?
  }

  /// The messages of a list.
  static func turns(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> [Turn] {
    var turns: [Turn] = []
    try scanner.expect("[")
    if scanner.skip("]") { return turns }
    repeat { turns.append(try turn(&scanner)) } while scanner.skip(",")
    try scanner.expectClose("]")
    return turns
  }

  private static func turn(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Turn {
    var turn = Turn()
    guard scanner.peek() == UInt8(ascii: "{") else {
      turn.problem = "is \(try scanner.skipValue(depth: 2).rawValue), not an object"
      return turn
    }
    try members(&scanner) { (name, scanner) throws(JSONScanner.Failure) in
      switch name {
      case "role", "from":
        if let role = try string(&scanner) { turn.role = role }
      case "content", "value":
        guard let text = try text(&scanner) else {
          turn.problem = "has a \(name) that is neither a string nor a list of parts"
          return
        }
        turn.content = text
      default: try scanner.skipValue(depth: 3)
      }
    }
    if turn.role == nil, turn.problem == nil { turn.problem = "has no role (role or from)" }
    return turn
  }

  /// A message's text: a string, or the texts of a list's parts, of which pictures and the like have none. nil for what is
  /// neither.
  private static func text(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> String? {
    guard scanner.peek() == UInt8(ascii: "[") else {
      if let string = try string(&scanner, orNull: "") { return string }
      return nil
    }
    var parts = ""
    try scanner.expect("[")
    if scanner.skip("]") { return parts }
    repeat {
      switch scanner.peek() {
      case UInt8(ascii: "\""): parts += try scanner.string()
      case UInt8(ascii: "{"):
        try members(&scanner) { (name, scanner) throws(JSONScanner.Failure) in
          if name == "text" {
            parts += try string(&scanner) ?? ""
          } else {
            try scanner.skipValue(depth: 5)
          }
        }
      default: try scanner.skipValue(depth: 4)
      }
    } while scanner.skip(",")
    try scanner.expectClose("]")
    return parts
  }

  /// Reads an object's members, each by `body`.
  private static func members(
    _ scanner: inout JSONScanner,
    _ body: (_ name: String, inout JSONScanner) throws(JSONScanner.Failure) -> Void
  ) throws(JSONScanner.Failure) {
    try scanner.expect("{")
    if scanner.skip("}") { return }
    repeat {
      let name = try scanner.string()
      try scanner.expect(":")
      try body(name, &scanner)
    } while scanner.skip(",")
    try scanner.expectClose("}")
  }

  /// A string; `orNull` for null, and nil for any other value, which is passed over.
  private static func string(
    _ scanner: inout JSONScanner, orNull: String? = nil
  ) throws(JSONScanner.Failure) -> String? {
    if scanner.peek() == UInt8(ascii: "\"") { return try scanner.string() }
    return try scanner.skipValue(depth: 5) == .null ? orNull : nil
  }

  /// The messages in words. What stands behind the first "Assistant:" is the output, later questions too, as trainers of
  /// chat models count them; without an answer it is all plain text.
  static func document(_ turns: [Turn]) -> TextDocument {
    var (prompt, output) = ("", "")
    var hasAnswer = false
    for turn in turns where !turn.content.isEmpty {
      let name = name(of: turn.role ?? "")
      let separator = prompt.isEmpty ? "" : "\n\n"
      if hasAnswer {
        output += "\n\n\(name): \(turn.content)"
      } else if name == "Assistant" {
        hasAnswer = true
        prompt += "\(separator)\(name):"
        output = " \(turn.content)"
      } else {
        prompt += "\(separator)\(name): \(turn.content)"
      }
    }
    return hasAnswer ? .instruction(prompt: prompt, output: output) : .text(prompt)
  }

  /// A role's name in the text; one that is not known stands as it is.
  private static func name(of role: String) -> String {
    switch role.lowercased() {
    case "user", "human": "User"
    case "assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot": "Assistant"
    case "system": "System"
    default: role
    }
  }
}
