/// Finds added tokens in text: leftmost first, and the longest of those that start at the same place.
struct AddedTokenMatcher: Sendable {
  /// An added token, by its id, or the text between two of them.
  enum Segment {
    case token(Int32)
    case text(Range<Int>)
  }

  /// A trie over the contents: `node << 8 | byte` → child.
  private var children: [UInt64: Int] = [:]
  /// `[node]`, the token that ends there.
  private var tokens: [AddedToken?] = [nil]
  /// `[byte]`, whether a content starts with it.
  private var startsContent = [Bool](repeating: false, count: 256)

  /// Looks for each token by the bytes beside it, which are its content, normalized if need be.
  init(_ tokens: [(AddedToken, [UInt8])]) {
    // As in `tokenizers`, special tokens come first where two have the same bytes.
    for (token, content) in tokens.filter({ $0.0.special }) + tokens.filter({ !$0.0.special }) {
      guard let first = content.first else { continue }
      startsContent[Int(first)] = true
      var node = 0
      for byte in content {
        let edge = UInt64(node) << 8 | UInt64(byte)
        node = children[edge] ?? self.tokens.count
        if node == self.tokens.count {
          children[edge] = node
          self.tokens.append(nil)
        }
      }
      if self.tokens[node] == nil { self.tokens[node] = token }
    }
  }

  /// `text[range]` cut around the added tokens in it; nothing outside the range is looked at.
  func segments(_ text: [UInt8], _ range: Range<Int>) -> [Segment] {
    guard !children.isEmpty else { return [.text(range)] }
    var segments: [Segment] = []
    var done = range.lowerBound
    var position = range.lowerBound
    while position < range.upperBound {
      guard startsContent[Int(text[position])], let (token, end) = longestMatch(text, position..<range.upperBound)
      else {
        position += 1
        continue
      }
      let match = position..<end
      position = end
      guard !token.singleWord || isSingleWord(text, match, in: range) else { continue }
      let lower = token.leftStrip ? text.startOfWhitespace(before: match.lowerBound, from: done) : match.lowerBound
      let upper = token.rightStrip ? text.endOfWhitespace(after: match.upperBound, to: range.upperBound) : end
      if done < lower { segments.append(.text(done..<lower)) }
      segments.append(.token(token.id))
      // The search goes on at the content's end, so a token of whitespace is found again in what was stripped: so do
      // Hugging Face's `tokenizers`.
      done = upper
    }
    if done < range.upperBound { segments.append(.text(done..<range.upperBound)) }
    return segments
  }

  private func longestMatch(_ text: [UInt8], _ range: Range<Int>) -> (AddedToken, end: Int)? {
    var node = 0
    var longest: (AddedToken, end: Int)?
    for position in range {
      guard let child = children[UInt64(node) << 8 | UInt64(text[position])] else { break }
      node = child
      if let token = tokens[node] { longest = (token, position + 1) }
    }
    return longest
  }

  private func isSingleWord(_ text: [UInt8], _ match: Range<Int>, in range: Range<Int>) -> Bool {
    if match.lowerBound > range.lowerBound {
      var before = match.lowerBound - 1
      while text[before] & 0xC0 == 0x80 { before -= 1 }
      if text.scalar(at: before).0.isWordCharacter { return false }
    }
    return match.upperBound == range.upperBound || !text.scalar(at: match.upperBound).0.isWordCharacter
  }
}

extension Unicode.Scalar {
  /// `\w` of Rust's `regex`: Alphabetic, marks, decimal digits, connector punctuation and Join_Control.
  var isWordCharacter: Bool {
    if properties.isAlphabetic || properties.isJoinControl { return true }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: false
    }
  }
}

extension [UInt8] {
  /// Where the whitespace that ends at `end` starts, not before `limit`.
  fileprivate func startOfWhitespace(before end: Int, from limit: Int) -> Int {
    var start = end
    while start > limit {
      var previous = start - 1
      while previous > limit, self[previous] & 0xC0 == 0x80 { previous -= 1 }
      guard scalar(at: previous).0.properties.isWhitespace else { break }
      start = previous
    }
    return start
  }

  /// Where the whitespace that starts at `start` ends, not behind `limit`.
  fileprivate func endOfWhitespace(after start: Int, to limit: Int) -> Int {
    var end = start
    while end < limit {
      let (scalar, length) = scalar(at: end)
      guard scalar.properties.isWhitespace else { break }
      end += length
    }
    return end
  }
}
