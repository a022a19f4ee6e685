public import Artifacts
public import Communication

extension SavedState {
  private static let own = "residuals.own"
  private static let owned = "residuals.owned"

  /// The residuals of a lossy exchange; nil when there are none.
  public init?(_ residuals: GradientExchange.Residuals) {
    guard !residuals.own.isEmpty || !residuals.owned.isEmpty else { return nil }
    self.init()
    arrays = [Self.own: residuals.own, Self.owned: residuals.owned]
  }

  /// The residuals that were saved; none where there are none.
  public var residuals: GradientExchange.Residuals {
    GradientExchange.Residuals(own: arrays[Self.own] ?? [], owned: arrays[Self.owned] ?? [])
  }
}
