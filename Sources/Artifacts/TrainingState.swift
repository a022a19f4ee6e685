internal import Foundation

/// All that training needs to go on to the same bits on as many ranks.
public struct TrainingState: Sendable, Equatable {
  /// Steps done; the text of the next ones follows from it.
  public var step: Int
  /// The same on every rank.
  public var shared: SavedState
  /// What this rank alone holds, such as the residuals of a lossy exchange; nil without any.
  public var own: SavedState?

  public init(step: Int, shared: SavedState, own: SavedState?) {
    self.step = step
    self.shared = shared
    self.own = own
  }
}

extension SavedState {
  private static let record = "record"

  /// Keeps the numbers that are no arrays, with every bit of them.
  ///
  /// - Throws: ``ArtifactError`` should they have no JSON.
  public mutating func setRecord(_ record: some Encodable) throws(ArtifactError) {
    do {
      values[Self.record] = String(decoding: try NonFiniteNumbers.encoder().encode(record), as: UTF8.self)
    } catch {
      throw ArtifactError(code: .malformed, message: "a state cannot be written as JSON: \(error)")
    }
  }

  /// What ``setRecord(_:)`` kept.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` when it is of another kind.
  public func record<Record: Decodable>(as type: Record.Type) throws(ArtifactError) -> Record {
    guard let text = values[Self.record],
      let record = try? NonFiniteNumbers.decoder().decode(type, from: Data(text.utf8))
    else { throw Self.mismatch(Self.record) }
    return record
  }

  /// The array of a name, `count` numbers.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` when it is missing or of another length.
  public func array(_ name: String, count: Int) throws(ArtifactError) -> [Float] {
    guard let values = arrays[name], values.count == count else { throw Self.mismatch(name) }
    return values
  }

  private static func mismatch(_ name: String) -> ArtifactError {
    ArtifactError(
      code: .mismatch, message: "the saved state's \(name) does not fit this run; remove the run folder's state")
  }
}
