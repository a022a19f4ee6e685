public import Artifacts

/// `resources.memory-limit` is below what the run needs.
public struct MemoryLimitError: Error, CustomStringConvertible, Sendable, Equatable {
  public let limit: ByteSize
  public let needed: ByteSize
  /// What makes do with less, as in "raise it, …".
  private let remedy: String

  /// What passes over many tokens make do with less by.
  package static let smallerPasses = "lower resources.microbatch, or use more ranks"

  package init(limit: ByteSize, needed: ByteSize, remedy: String = Self.smallerPasses) {
    (self.limit, self.needed, self.remedy) = (limit, needed, remedy)
  }

  public var description: String {
    "resources.memory-limit: \(limit) per rank is too little, about \(needed) is needed; raise it, \(remedy)"
  }

  var exitCode: Int32 { ExitCode.memory }

  /// - Parameter neededAnywhere: by the rank that needs most: asking for it helps all.
  /// - Throws: when `needed` is more than the limit.
  static func check(
    _ limit: ByteSize?, needed: Int, neededAnywhere: Int, remedy: String = smallerPasses
  ) throws(MemoryLimitError) {
    guard let limit, limit.bytes < needed else { return }
    // Rounded up, so that asking for the printed size works.
    let megabytes = (min(max(needed, neededAnywhere), 1 << 62) + 999_999) / 1_000_000
    throw MemoryLimitError(limit: limit, needed: ByteSize(bytes: megabytes * 1_000_000), remedy: remedy)
  }
}
