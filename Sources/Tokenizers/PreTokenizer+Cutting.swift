/// Runs the steps of a pre-tokenizer over texts, with the working memory they need.
struct PreTokenization {
  private let steps: [PreTokenizer]
  /// `[step]`, nil for steps without a pattern.
  private let matchers: [PatternMatcher?]

  init(_ steps: [PreTokenizer]) {
    self.steps = steps
    matchers = steps.map { step in
      switch step {
      case .digits: nil
      case .split(let pattern, _, _): PatternMatcher(pattern)
      case .byteLevel(_, let pattern): pattern.map(PatternMatcher.init)
      }
    }
  }

  /// Cuts `text[range]` and hands each word to `visit`, in order; words are never empty.
  func words(
    _ text: [UInt8], _ range: Range<Int>, _ visit: (ArraySlice<UInt8>) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    try words(text, range, step: 0, visit)
  }

  private func words(
    _ text: [UInt8], _ range: Range<Int>, step: Int, _ visit: (ArraySlice<UInt8>) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    guard !range.isEmpty else { return }
    guard step < steps.count else {
      try visit(text[range])
      return
    }
    switch steps[step] {
    case .digits(let individual):
      for piece in Self.digits(text, range, individual: individual) { try words(text, piece, step: step + 1, visit) }
    case .split(_, let behavior, let invert):
      var collector = SplitCollector(behavior)
      try matchers[step]?.split(text, range) { collector.add($0, isMatch: $1 != invert) }
      for piece in collector.pieces { try words(text, piece, step: step + 1, visit) }
    case .byteLevel(let addPrefixSpace, _):
      let needsSpace = addPrefixSpace && text[range.lowerBound] != UInt8(ascii: " ")
      let spaced = needsSpace ? [UInt8(ascii: " ")] + text[range] : text
      let spacedRange = needsSpace ? 0..<spaced.count : range
      guard let matcher = matchers[step] else { return try words(spaced, spacedRange, step: step + 1, visit) }
      try matcher.split(spaced, spacedRange) { (piece, _) throws(TokenizerError) in
        try words(spaced, piece, step: step + 1, visit)
      }
    }
  }

  /// `text[range]` cut around its numeric characters.
  private static func digits(_ text: [UInt8], _ range: Range<Int>, individual: Bool) -> [Range<Int>] {
    var collector = SplitCollector(individual ? .isolated : .contiguous)
    var start = range.lowerBound
    var position = start
    while position < range.upperBound {
      let (scalar, length) = text.scalar(at: position)
      if scalar.isNumeric {
        if start < position { collector.add(start..<position, isMatch: false) }
        collector.add(position..<(position + length), isMatch: true)
        start = position + length
      }
      position += length
    }
    if start < position { collector.add(start..<position, isMatch: false) }
    return collector.pieces
  }
}

extension Unicode.Scalar {
  /// Whether Rust's `char::is_numeric` holds: a general category of Nd, Nl or No.
  var isNumeric: Bool {
    if isASCII { return ("0"..."9").contains(self) }
    return switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }
}

extension [UInt8] {
  /// The scalar that starts at `position`, and its length in bytes. The bytes must be valid UTF-8.
  func scalar(at position: Int) -> (Unicode.Scalar, Int) {
    let lead = self[position]
    if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    var value = UInt32(lead) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for offset in 1..<length { value = value << 6 | UInt32(self[position + offset] & 0x3F) }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
  }
}
