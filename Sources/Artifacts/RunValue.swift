/// One value of a run document before the schema has read it.
indirect enum RunValue: Sendable {
  /// Nothing, `~` or `null`.
  case null
  /// Text without quotes, whose type the schema decides.
  case plain(String)
  /// Text in quotes, or a block of text: a string whatever it says.
  case quoted(String)
  /// Text from the command line, where quotes belong to the shell.
  case literal(String)
  /// `[a, b]`, or lines with dashes.
  case list([LocatedRunValue])
  /// `key: value` lines.
  case mapping([LocatedRunPair])

  /// The value for an error text, short and on one line.
  var found: String {
    switch self {
    case .null: "nothing"
    case .plain(let text), .literal(let text): Self.shortened(text)
    case .quoted(let text): "\"" + Self.shortened(text) + "\""
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  /// `text` with at most 48 characters and without control characters, so that it fits in a message of one line.
  static func shortened(_ text: String) -> String {
    let whole = TextLayout.visible(String(text.unicodeScalars.prefix(200)))
    return text.unicodeScalars.count > 200 || whole.count > 48 ? String(whole.prefix(48)) + "…" : whole
  }
}

/// A value and where it starts, both counted from 1.
struct LocatedRunValue: Sendable {
  let value: RunValue
  let line: Int
  let column: Int
}

/// A key, where it starts, and its value.
struct LocatedRunPair: Sendable {
  let key: String
  let line: Int
  let column: Int
  let value: LocatedRunValue
}

/// Why the schema refused a value.
struct RunValueProblem: Error, Sendable {
  /// What was found, for the message.
  let found: String
  /// What is allowed, and perhaps a hint.
  let expected: String
  /// The element of a list that is wrong, where it is not the whole value.
  var element: LocatedRunValue?
}
