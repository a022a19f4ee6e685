/// One stretch of a long text for which a model predicts tokens.
public struct Window: Sendable, Equatable {
  /// The place of its first token in the text.
  public let start: Int
  /// Its tokens, at least 2.
  public let length: Int
  /// The first place in the window, counted from its start, whose token is a target that counts; at least 1, since the
  /// first token has nothing to be predicted from. Earlier tokens are context.
  public let scoredFrom: Int

  /// How many predictions count.
  public var predictions: Int { length - scoredFrom }
}

/// How a long text is cut into windows to measure perplexity, as Hugging Face's "Perplexity of fixed-length models" does.
public enum Windows {
  /// The windows over `tokens` tokens: one every `stride` tokens, `window` long. In each but the first, only targets that
  /// no window before had count: the last `stride` ones, or with `stride` = `window` all but the first token.
  ///
  /// Without a `limit`, the last window may be shorter, if it has at least two tokens and something to predict; with one,
  /// the first `limit` whole windows are given, or as many as there are.
  ///
  /// - Throws: ``CalibrationError`` if a number makes no sense, or the text is too short for a single window.
  public static func over(
    tokens: Int, window: Int, stride: Int, limit: Int? = nil
  ) throws(CalibrationError) -> [Window] {
    guard window >= 2, stride >= 1, stride <= window, limit ?? 1 >= 1, tokens >= 0 else {
      throw CalibrationError(
        .invalidArgument,
        "window \(window), stride \(stride)\(limit.map { ", limit \($0)" } ?? ""): a window has at least 2 tokens, "
          + "a stride is between 1 and the window, and a limit is at least 1")
    }
    var windows: [Window] = []
    var start = 0
    var previousEnd = 0
    while start < tokens, windows.count < limit ?? Int.max {
      let end = tokens - start < window ? tokens : start + window
      let length = end - start
      if limit != nil && length < window { break }
      let scoredFrom = max(1, length - (end - previousEnd))
      if scoredFrom < length { windows.append(Window(start: start, length: length, scoredFrom: scoredFrom)) }
      previousEnd = end
      if end == tokens { break }
      start += stride
    }
    guard !windows.isEmpty else {
      throw CalibrationError(
        .tooFewTokens, "\(tokens) tokens make no window of \(limit == nil ? 2 : window); give more text")
    }
    return windows
  }
}
