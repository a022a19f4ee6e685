import Pipeline
import Testing

/// Passages found again.
@Suite struct SharedTextTests {
  static func tokens(_ range: Range<Int>) -> [Int32] { range.map { Int32(($0 * 7919) % 50021) } }

  @Test func passages() {
    let text = Self.tokens(0..<1000)
    let others = Self.tokens(2000..<2128)
    // At any place, over any windows that hold a passage whole.
    for start in [0, 1, 31, 500, 872] {
      let sequence = Array(text[start..<start + 128])
      #expect(SharedText.count(of: [sequence, others], in: [text]) == 1)
      #expect(SharedText.count(of: [sequence], in: [Array(text[..<(start + 64)]), Array(text[(start + 64)...])]) == 1)
    }
    #expect(SharedText.count(of: [others], in: [text]) == 0)
    // One token less than a passage is none.
    let close = Array(text[100..<131]) + others.prefix(97)
    #expect(SharedText.count(of: [close], in: [text]) == 0)
    #expect(SharedText.count(of: [Array(text[100..<132]) + others.prefix(96)], in: [text]) == 1)
    #expect(SharedText.count(of: [Array(text[0..<8])], in: [text]) == 0)
    #expect(SharedText.count(of: [Array(text[3..<27])], in: [text]) == 1)
    #expect(SharedText.count(of: [], in: [text]) == 0 && SharedText.count(of: [others], in: []) == 0)
  }
}
