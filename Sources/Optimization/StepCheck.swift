internal import CKernels
public import Communication

/// Makes sure that a step of training came to finite numbers, so that a run that diverges ends there, and neither its state
/// nor its model has a NaN in it.
public struct StepCheck: Sendable {
  /// What is trained, such as `recovery`.
  public let stage: String
  /// What to do when a step diverges, such as `lower recovery.learning-rate`.
  public let remedy: String

  public init(stage: String, remedy: String) {
    self.stage = stage
    self.remedy = remedy
  }

  /// A step as messages name it.
  ///
  /// - Parameter step: counted from 1, as metrics are.
  public func place(ofStep step: Int) -> String { "\(stage), step \(step)" }

  /// Makes sure that a number that is the same on every rank is finite: a loss, a norm, a perplexity.
  ///
  /// - Throws: ``CommunicationError`` with code `notFinite`, the same on every rank.
  public func requireFinite(_ value: Double, _ name: String, step: Int) throws(CommunicationError) {
    guard !value.isFinite else { return }
    throw diverged("\(name) is \(Self.text(value))", step: step)
  }

  /// Makes sure that what an update left is finite: the same numbers on every rank.
  ///
  /// - Parameter name: names the number at a place, for errors.
  /// - Throws: ``CommunicationError`` with code `notFinite`, the same on every rank.
  public func requireFinite(
    _ values: [Float], step: Int, name: (_ index: Int) -> String
  ) throws(CommunicationError) {
    let index = unsafe ck_first_not_finite(values, values.count)
    guard index < values.count else { return }
    throw diverged("the update leaves \(Self.text(Double(values[index]))) at \(name(index))", step: step)
  }

  private func diverged(_ what: String, step: Int) -> CommunicationError {
    CommunicationError(.notFinite, "\(place(ofStep: step)): \(what); \(remedy)")
  }

  private static func text(_ value: Double) -> String {
    value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
  }
}
