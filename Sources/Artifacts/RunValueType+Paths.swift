extension RunValueType where Value == String {
  /// The path of a file or folder, with `~/` replaced by the home folder.
  static func path(_ what: String) -> RunValueType {
    RunValueType(expected: what) { value, environment throws(RunValueProblem) in
      try value.path(expected: what, environment: environment)
    } text: { value in
      .scalar(YAMLText.scalar(value))
    }
  }
}

extension RunValueType where Value == [String] {
  /// One path, or a list of paths; nothing is the empty list.
  static func paths(_ what: String) -> RunValueType {
    RunValueType(expected: "\(what), or a list of them", takesList: true) {
      value, environment throws(RunValueProblem) in
      switch value {
      case .null: return []
      case .list(let elements):
        var paths: [String] = []
        for element in elements {
          do throws(RunValueProblem) {
            paths.append(try element.value.path(expected: what, environment: environment))
          } catch {
            throw RunValueProblem(found: error.found, expected: error.expected, element: element)
          }
        }
        return paths
      default:
        do throws(RunValueProblem) {
          return [try value.path(expected: what, environment: environment)]
        } catch {
          throw RunValueProblem(found: error.found, expected: error.expected + ", or a list of them")
        }
      }
    } text: { value in
      .list(value.map(YAMLText.scalar))
    }
  }
}

extension RunValue {
  fileprivate func path(expected: String, environment: RunEnvironment) throws(RunValueProblem) -> String {
    let text: String
    switch self {
    case .plain(let plain):
      guard !YAMLText.isBoolean(plain) else {
        throw RunValueProblem(found: found, expected: "\(expected) (in quotes, if it is called so)")
      }
      text = plain
    case .quoted(let quoted): text = quoted
    case .literal(let literal): text = literal
    case .null, .list, .mapping: throw RunValueProblem(found: found, expected: expected)
    }
    guard !text.isEmpty else { throw RunValueProblem(found: "an empty text", expected: expected) }
    // The system's calls end a path at a zero byte, and take at most 4096 bytes.
    guard text.utf8.count <= 4096, !text.utf8.contains(0) else {
      throw RunValueProblem(found: found, expected: "\(expected), of at most 4096 bytes and none of them zero")
    }
    // Foundation drops this mark when it decodes text, so the path would not read again as it was written.
    guard text.unicodeScalars.first != "\u{FEFF}" else {
      throw RunValueProblem(found: found, expected: "\(expected), without a byte order mark in front")
    }
    guard text.hasPrefix("~") else { return text }
    guard text == "~" || text.hasPrefix("~/") else {
      throw RunValueProblem(found: found, expected: "\(expected): ~/ is understood, ~NAME is not (./~NAME is a file)")
    }
    guard let home = environment.home else {
      throw RunValueProblem(found: found, expected: "\(expected): ~ needs the environment variable HOME")
    }
    return home + text.dropFirst()
  }
}
