extension RunValueType {
  /// One or more of an enum's words: a list, or one text with commas between; `all` stands for all of them. However they
  /// are written, the value has each once, in the enum's order.
  static func choices<Choice: RawRepresentable & CaseIterable & Hashable & Sendable>(or all: String) -> RunValueType
  where Value == [Choice], Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    let expected = "\(all), or a list of \(names.joined(separator: ", "))"
    return RunValueType(expected: expected, takesList: true) { value, _ throws(RunValueProblem) in
      let elements: [LocatedRunValue] =
        if case .list(let list) = value { list } else { [LocatedRunValue(value: value, line: 0, column: 0)] }
      var chosen: Set<Choice> = []
      for element in elements {
        let place: LocatedRunValue? = if case .list = value { element } else { nil }
        guard let words = element.value.words else {
          throw RunValueProblem(found: element.value.found, expected: expected, element: place)
        }
        for word in words {
          if word == all {
            chosen.formUnion(Choice.allCases)
          } else if let choice = Choice(rawValue: word) {
            chosen.insert(choice)
          } else {
            let hint = NearestName.nearest(to: word, in: names + [all]).map { " (did you mean \($0)?)" } ?? ""
            throw RunValueProblem(
              found: RunValue.shortened(word), expected: "\(expected)\(hint)", element: place)
          }
        }
      }
      guard !chosen.isEmpty else { throw RunValueProblem(found: "none", expected: expected) }
      return Choice.allCases.filter(chosen.contains)
    } text: { value in
      .list(value.map(\.rawValue))
    }
  }
}

extension RunValue {
  /// The words of a text, between commas.
  fileprivate var words: [String]? {
    switch self {
    case .plain(let text), .quoted(let text), .literal(let text):
      text.split(separator: ",", omittingEmptySubsequences: false).map { part in
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
    case .null, .list, .mapping: nil
    }
  }
}
