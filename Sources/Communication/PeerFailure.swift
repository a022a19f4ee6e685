/// A failure that every rank knows of, equal on all of them.
///
/// It is thrown on all ranks at once, so one of them is enough to print it: rank 0 prints `description`, and all
/// ranks end with `exitCode`.
public struct PeerFailure: Error, CustomStringConvertible, Sendable, Equatable {
  /// The lowest rank that failed.
  public let rank: Int
  /// What that rank reported, in one line.
  public let line: String
  /// The exit code that rank asked for, never 0.
  public let exitCode: Int32
  /// All ranks that failed, ascending.
  public let failedRanks: [Int]
  /// Whether every rank failed with this line, as when a file is missing everywhere, or whether it lies in what all ranks
  /// hold alike, such as a NaN in the model, whichever of them came upon it.
  public let isCommon: Bool

  public init(rank: Int, line: String, exitCode: Int32, failedRanks: [Int], isCommon: Bool) {
    self.rank = rank
    self.line = line
    self.exitCode = exitCode
    self.failedRanks = failedRanks
    self.isCommon = isCommon
  }

  /// One line, which names the rank unless all ranks say the same.
  public var description: String {
    if isCommon { return line }
    let others = failedRanks.filter { $0 != rank }
    return "rank \(rank): \(line)" + (others.isEmpty ? "" : " (\(RankList(others)) failed too)")
  }
}

/// The text with line breaks and other control characters turned into spaces.
func oneLine(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
}
