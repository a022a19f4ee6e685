import Calibration
import Testing

/// Windows of perplexity and shares of ranks.
@Suite struct WindowsTests {
  /// The loop of Hugging Face's "Perplexity of fixed-length models", counting the targets its labels leave.
  static func reference(tokens: Int, window: Int, stride: Int) -> [Int: [Int]] {
    var targets: [Int: [Int]] = [:]
    var previousEnd = 0
    for begin in Swift.stride(from: 0, to: tokens, by: stride) {
      let end = min(begin + window, tokens)
      let count = end - previousEnd
      // Labels are shifted by one: the first token of a window is no target.
      let scored = (max(end - count, begin + 1)..<max(end, begin + 1))
      if !scored.isEmpty { targets[begin] = Array(scored) }
      previousEnd = end
      if end == tokens { break }
    }
    return targets
  }

  @Test func equalsTheReference() throws {
    for tokens in 2...40 {
      for window in 2...12 {
        for stride in 1...window {
          let windows = try Windows.over(tokens: tokens, window: window, stride: stride)
          var targets: [Int: [Int]] = [:]
          for window in windows {
            targets[window.start] = Array((window.start + window.scoredFrom)..<(window.start + window.length))
          }
          #expect(
            targets == Self.reference(tokens: tokens, window: window, stride: stride), "\(tokens) \(window) \(stride)")
          #expect(windows.allSatisfy { $0.predictions >= 1 && $0.length >= 2 && $0.scoredFrom >= 1 })
          if stride < window { #expect(windows.reduce(0) { $0 + $1.predictions } == tokens - 1) }
        }
      }
    }
  }

  @Test func wikiText() throws {
    let windows = try Windows.over(tokens: 304_830, window: 1024, stride: 1024, limit: 24)
    #expect(windows.count == 24)
    #expect(windows.enumerated().allSatisfy { $1 == windows[0] || $1.start == 1024 * $0 })
    #expect(windows.reduce(0) { $0 + $1.predictions } == 24 * 1023)
    let all = try Windows.over(tokens: 304_830, window: 1024, stride: 1024)
    #expect(all.count == 298 && all.last?.length == 304_830 - 297 * 1024)
  }

  @Test func limits() throws {
    // With a limit, whole windows only.
    #expect(try Windows.over(tokens: 25, window: 10, stride: 10, limit: 9).map(\.start) == [0, 10])
    #expect(try Windows.over(tokens: 25, window: 10, stride: 10).map(\.length) == [10, 10, 5])
    // A single token left over predicts nothing.
    #expect(try Windows.over(tokens: 21, window: 10, stride: 10).map(\.start) == [0, 10])
    for (tokens, limit) in [(0, nil), (1, nil), (9, 1)] as [(Int, Int?)] {
      let error = #expect(throws: CalibrationError.self) {
        try Windows.over(tokens: tokens, window: 10, stride: 10, limit: limit)
      }
      #expect(error?.code == .tooFewTokens)
    }
    for (window, stride, limit) in [
      (1, 1, nil), (10, 0, nil), (10, 11, nil), (10, -1, nil), (10, 5, 0), (Int.min, 1, 1),
    ]
      as [(Int, Int, Int?)]
    {
      let error = #expect(throws: CalibrationError.self) {
        try Windows.over(tokens: 100, window: window, stride: stride, limit: limit)
      }
      #expect(error?.code == .invalidArgument)
    }
    #expect(try Windows.over(tokens: 100, window: Int.max, stride: Int.max).map(\.length) == [100])
  }
}
