/// How the values of one kind are read, checked and written: a column of the schema.
struct RunValueType<Value: Sendable>: Sendable {
  /// What is allowed, as the end of "expected …".
  let expected: String
  /// Whether a list of values is allowed.
  var takesList = false
  /// The value, checked.
  let read: @Sendable (RunValue, RunEnvironment) throws(RunValueProblem) -> Value
  /// The value as YAML that reads the same again.
  let text: @Sendable (Value) -> RunText
}

/// The YAML of a value: one scalar, or a list of them.
enum RunText: Sendable, Equatable {
  case scalar(String)
  case list([String])

  /// The value on one line, as a flow list where it is a list.
  var line: String {
    switch self {
    case .scalar(let scalar): scalar
    case .list(let elements): "[" + elements.joined(separator: ", ") + "]"
    }
  }
}

extension RunValueType {
  /// A value of the kind `base` or, where the document says `word`, `nil`.
  static func optional<Wrapped: Sendable>(_ base: RunValueType<Wrapped>, or word: String) -> RunValueType
  where Value == Wrapped? {
    RunValueType(expected: "\(word) or \(base.expected)") { value, environment throws(RunValueProblem) in
      switch value {
      case .null where word == "null": return nil
      case .plain(word), .quoted(word), .literal(word): return nil
      default: break
      }
      do throws(RunValueProblem) {
        return try base.read(value, environment)
      } catch {
        throw RunValueProblem(found: error.found, expected: "\(word) or \(error.expected)", element: error.element)
      }
    } text: { value in
      value.map(base.text) ?? .scalar(word)
    }
  }
}

extension RunValueType where Value == Bool {
  /// `true` or `false`, and YAML 1.1's other words for them.
  static var boolean: RunValueType {
    let expected = "true or false"
    return RunValueType(expected: expected) { value, _ throws(RunValueProblem) in
      switch value {
      case .plain(let text), .literal(let text):
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: break
        }
      default: break
      }
      throw RunValueProblem(found: value.found, expected: expected)
    } text: { value in
      .scalar(value ? "true" : "false")
    }
  }
}

extension RunValueType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of an enum's words.
  static var choice: RunValueType {
    let names = Value.allCases.map(\.rawValue)
    let expected = names.joined(separator: ", ")
    return RunValueType(expected: expected) { value, _ throws(RunValueProblem) in
      switch value {
      case .plain(let text), .quoted(let text), .literal(let text):
        if let choice = Value(rawValue: text) { return choice }
        let hint = NearestName.nearest(to: text, in: names).map { " (did you mean \($0)?)" } ?? ""
        throw RunValueProblem(found: value.found, expected: "one of \(expected)\(hint)")
      default:
        throw RunValueProblem(found: value.found, expected: "one of \(expected)")
      }
    } text: { value in
      .scalar(value.rawValue)
    }
  }
}

extension RunValueType where Value == ByteSize {
  /// A size above zero.
  static var byteSize: RunValueType {
    let expected = "bytes, plain or with \(ByteSize.unitNames)"
    return RunValueType(expected: expected) { value, _ throws(RunValueProblem) in
      switch value {
      case .plain(let text), .quoted(let text), .literal(let text):
        if let size = ByteSize(text), size.bytes > 0 { return size }
      default: break
      }
      throw RunValueProblem(found: value.found, expected: expected + ", such as 5GB")
    } text: { value in
      .scalar(value.description)
    }
  }
}
