public import Artifacts

/// An optimizer's moments as saved arrays; its count of steps is kept by whoever saves it.
extension SavedState {
  private static let first = "first_moments"
  private static let second = "second_moments"

  /// Keeps both moments under their names, with `prefix` in front where a state has several optimizers.
  public mutating func keepMoments(of optimizer: Adam, prefix: String = "") {
    arrays[prefix + Self.first] = optimizer.firstMoments
    arrays[prefix + Self.second] = optimizer.secondMoments
  }

  /// Gives an optimizer of as many parameters the moments that were kept, and the steps that it had made.
  ///
  /// - Throws: ``ArtifactError`` with `mismatch` for moments that are missing, or of other parameters.
  public func restoreMoments(of optimizer: inout Adam, prefix: String = "", steps: Int) throws {
    let count = optimizer.firstMoments.count
    optimizer.firstMoments = try array(prefix + Self.first, count: count)
    optimizer.secondMoments = try array(prefix + Self.second, count: count)
    optimizer.steps = steps
  }
}
