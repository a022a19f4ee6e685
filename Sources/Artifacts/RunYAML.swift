internal import Yams

/// Turns YAML text into ``LocatedRunValue``s with everything bounded that YAML leaves open.
///
/// Yams copies the anchored node for each alias and hashes every key whole. A few lines of nested aliases in a key
/// ("billion laughs"), or long lists inside keys inside keys (`? ? ? [a, …`), would take it hours, and its parser cannot
/// be told to refuse them. Therefore every `*` and `?` is replaced, before Yams sees the text, by a character that the
/// text does not have. An alias then is a plain scalar that starts with the one, and a long key's mark a plain scalar
/// that starts with the other and a space; YAML allows neither otherwise, so both are told apart from text and refused.
/// (Keys without `?` end within 1024 characters.) Positions stay right because Yams counts characters. libyaml itself
/// stops at 1000 levels of nesting.
struct RunYAML {
  /// What to call the text in messages, such as `run.yaml`.
  let name: String
  private let text: String
  private let masks: (star: Character, question: Character)?

  /// The deepest tree that a run document has: document, section, list.
  private static let maximumDepth = 3

  init(text: String, name: String) {
    // A byte order mark is not YAML's to see when the encoding is given.
    self.text = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    self.name = name
    self.masks = Self.unusedCharacters(in: text)
  }

  /// The document's one value; `nil` when there is none (an empty file, or only comments).
  func parse() throws(RunDocumentError) -> LocatedRunValue? {
    guard let masks else {
      throw RunDocumentError(.unsupported, "\(name): uses every private-use character of Unicode")
    }
    let masked = String(
      text.unicodeScalars.map { $0 == "*" ? masks.star : $0 == "?" ? masks.question : Character($0) })
    let node: Node?
    do {
      node = try Parser(yaml: masked, resolver: .basic, constructor: .default, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw translate(error)
    } catch {
      throw RunDocumentError(.syntax, "\(name): not YAML: \(error)")
    }
    guard let node else { return nil }
    return try convert(node, depth: 0)
  }

  private func convert(_ node: Node, depth: Int) throws(RunDocumentError) -> LocatedRunValue {
    let (line, column) = (node.mark?.line ?? 1, node.mark?.column ?? 1)
    func unsupported(_ what: String) -> RunDocumentError {
      RunDocumentError(.unsupported, "\(name):\(line):\(column): \(what)")
    }
    guard depth <= Self.maximumDepth else {
      throw unsupported("nested too deeply; a run document has sections and keys")
    }
    let value: RunValue
    switch node {
    case .scalar(let scalar):
      if scalar.style == .plain, scalar.string.first == masks?.star {
        let alias = RunValue.shortened(unmasked(scalar.string))
        throw unsupported("aliases (\(alias)) are not supported; write the value itself")
      }
      if scalar.style == .plain, scalar.string.first == masks?.question,
        [nil, " "].contains(scalar.string.dropFirst().first)
      {
        throw unsupported(Self.questionMark)
      }
      // Without resolver rules, quoted scalars and `!!str` have the tag of strings, and other plain ones none.
      let (tag, string) = (scalar.tag.rawValue, unmasked(scalar.string))
      guard tag.isEmpty || tag == Tag.Name.str.rawValue else {
        throw unsupported("tags (\(RunValue.shortened(tag))) are not supported; remove it")
      }
      let isText = scalar.style != .plain || !tag.isEmpty
      value = isText ? .quoted(string) : Self.isNull(string) ? .null : .plain(string)
    case .sequence(let sequence):
      var elements: [LocatedRunValue] = []
      for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
      value = .list(elements)
    case .mapping(let mapping):
      var pairs: [LocatedRunPair] = []
      for (keyNode, valueNode) in mapping {
        let key = try convert(keyNode, depth: depth + 1)
        let keyText: String
        switch key.value {
        case .plain(let text), .quoted(let text): keyText = text
        default:
          throw RunDocumentError(
            .unsupported, "\(name):\(key.line):\(key.column): found \(key.value.found) where a key belongs")
        }
        let value = try convert(valueNode, depth: depth + 1)
        pairs.append(LocatedRunPair(key: keyText, line: key.line, column: key.column, value: value))
      }
      value = .mapping(pairs)
    case .alias:
      throw unsupported("aliases are not supported; write the value itself")
    }
    return LocatedRunValue(value: value, line: line, column: column)
  }

  private func unmasked(_ string: String) -> String {
    String(
      string.unicodeScalars.map { scalar in
        let character = Character(scalar)
        return character == masks?.star ? "*" : character == masks?.question ? "?" : character
      })
  }

  static func isNull(_ text: String) -> Bool { ["", "~", "null", "Null", "NULL"].contains(text) }

  private static let questionMark = "keys that start with \"? \" are not supported; write KEY: VALUE"

  /// Two private-use characters that `text` contains neither as such nor, by their numbers, as escapes.
  private static func unusedCharacters(in text: String) -> (star: Character, question: Character)? {
    let used = Set(text.unicodeScalars.map(\.value))
    let lowercased = text.lowercased()
    var unused: [Character] = []
    for value in UInt32(0xE000)...0xF8FF where !used.contains(value) {
      guard !lowercased.contains(String(value, radix: 16)), let scalar = Unicode.Scalar(value) else { continue }
      unused.append(Character(scalar))
      if unused.count == 2 { return (unused[0], unused[1]) }
    }
    return nil
  }
}

extension RunYAML {
  /// Yams' error as one line with a position.
  private func translate(_ error: YamlError) -> RunDocumentError {
    func syntax(_ mark: Mark, _ problem: String, _ context: YamlError.Context?) -> RunDocumentError {
      if problem.contains("nesting level") {
        return RunDocumentError(.unsupported, "\(name):\(mark.line):\(mark.column): nested too deeply")
      }
      if text.split(whereSeparator: \.isNewline).contains(where: { $0.drop { $0 == " " }.hasPrefix("? ") }) {
        return RunDocumentError(.unsupported, "\(name):\(mark.line):\(mark.column): \(Self.questionMark)")
      }
      let start = context.map { " \($0.text) (line \($0.mark.line))" } ?? ""
      let tab = character(at: mark) == "\t" ? " (a tab; indent with spaces)" : ""
      return RunDocumentError(.syntax, "\(name):\(mark.line):\(mark.column): not YAML: \(problem)\(tab)\(start)")
    }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      return syntax(mark, problem, context)
    case .composer(_, let problem, let mark, _):
      guard problem.contains("another document") else { return syntax(mark, problem, nil) }
      return RunDocumentError(
        .unsupported, "\(name):\(mark.line):\(mark.column): a second document starts here; a run is one document")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let key = RunValue.shortened(unmasked(duplicates.first ?? ""))
      return RunDocumentError(
        .duplicateKey, "\(name):\(context.mark.line):\(context.mark.column): key \"\(key)\" is given more than once")
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      let line = before.count(where: \.isNewline) + 1
      let column = before.reversed().prefix { !$0.isNewline }.count + 1
      return RunDocumentError(.syntax, "\(name):\(line):\(column): not YAML: \(problem)")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return RunDocumentError(.syntax, "\(name): not YAML: \(error)")
    }
  }

  private func character(at mark: Mark) -> Character? {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.indices.contains(mark.line - 1), mark.column >= 1 else { return nil }
    return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first.map { Character($0) }
  }
}
