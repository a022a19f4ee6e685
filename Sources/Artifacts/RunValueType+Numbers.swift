extension RunValueType where Value: FixedWidthInteger & Sendable {
  /// An integer in `range`: decimal digits, no leading zero (YAML 1.1 reads `010` as 8, YAML 1.2 as 10).
  static func integer(_ range: ClosedRange<Value>, expected: String) -> RunValueType {
    RunValueType(expected: expected) { value, _ throws(RunValueProblem) in
      if let text = value.number {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        let isDecimal = digits.allSatisfy { $0.isASCII && $0.isNumber } && (digits.count == 1 || digits.first != "0")
        if isDecimal, let number = Value(text), range.contains(number) { return number }
        if isDecimal, text.first != "-", Value(text).map({ $0 > range.upperBound }) ?? true {
          throw RunValueProblem(found: value.found, expected: "\(expected), at most \(range.upperBound)")
        }
      }
      throw RunValueProblem(found: value.found, expected: expected + value.quotesHint)
    } text: { value in
      .scalar(String(value))
    }
  }
}

extension RunValueType where Value == Int {
  /// A count of 1 or more (`minimum` or more). Counts end at 2³¹ − 1, so that the product of two of them always fits.
  static func count(from minimum: Int = 1) -> RunValueType {
    integer(minimum...Int(Int32.max), expected: "an integer, \(minimum) or more")
  }
}

extension RunValueType where Value == UInt64 {
  /// A seed: any unsigned 64-bit integer.
  static var seed: RunValueType { integer(0...UInt64.max, expected: "an integer, 0 or more") }
}

extension RunValueType where Value == Double {
  /// A finite decimal number for which `isAllowed` holds, as `expected` says.
  static func number(expected: String, where isAllowed: @escaping @Sendable (Double) -> Bool) -> RunValueType {
    RunValueType(expected: expected) { value, _ throws(RunValueProblem) in
      // Only these characters: Swift's own parser also takes nan, inf and hexadecimal.
      if let text = value.number, text.allSatisfy({ "0123456789+-.eE".contains($0) }), let number = Double(text),
        number.isFinite, isAllowed(number)
      {
        // 0 for -0, which prints differently.
        return number == 0 ? 0 : number
      }
      throw RunValueProblem(found: value.found, expected: expected + value.quotesHint)
    } text: { value in
      // The shortest text that reads as the same number.
      .scalar("\(value)")
    }
  }
}

extension RunValue {
  /// The text of what may be a number: not what is in quotes.
  fileprivate var number: String? {
    switch self {
    case .plain(let text), .literal(let text): text
    case .null, .quoted, .list, .mapping: nil
    }
  }

  fileprivate var quotesHint: String {
    if case .quoted(let text) = self, Double(text) != nil { " (remove the quotes)" } else { "" }
  }
}
