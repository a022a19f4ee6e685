/// What went wrong with an artifact that one stage left for the next: scores, a plan.
public struct ArtifactError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kind of fault, for callers that choose by it.
  public enum Code: Sendable, Equatable {
    /// The file is missing, no regular file, too large, or could not be read.
    case unreadable
    /// Not JSON, or JSON of another form.
    case malformed
    /// Contents that do not have their checksum.
    case damaged
    /// Written by another version of Espalier's file format.
    case unsupportedVersion
    /// Made for another model: counts, hashes or totals differ.
    case mismatch
    /// A unit index that is out of range, repeated, or out of order.
    case invalidIndex
    /// A layer keeps fewer units than every layer must keep.
    case belowFloor
    /// A NaN or an infinity where a number is needed.
    case notFinite
    /// A negative count, or counts whose product does not fit.
    case invalidShape
  }

  public let code: Code
  /// One line: what, where, and what to do.
  public let message: String

  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }

  /// The same error with `place` in front: a file's name, say.
  func located(in place: String) -> ArtifactError {
    ArtifactError(code: code, message: "\(place): \(message)")
  }
}

extension String {
  /// The text quoted on one line and cut to a readable length, since it may come from a hostile file.
  var quotedForMessage: String {
    let longest = 80
    let head = String(unicodeScalars.prefix(longest)).debugDescription
    return unicodeScalars.count > longest ? head + "…" : head
  }
}
