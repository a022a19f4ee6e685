extension GradientExchange {
  /// What was sent and how long coding took.
  public struct Statistics: Sendable, Equatable {
    /// Bytes of gradients that this rank sent to others, with headers; 0 where there are no others.
    public internal(set) var sentBytes = 0
    /// What they would have been as plain float32.
    public internal(set) var uncompressedBytes = 0
    public internal(set) var steps = 0
    /// Seconds that this rank spent on encoding and on decoding.
    public internal(set) var encodeSeconds = 0.0
    public internal(set) var decodeSeconds = 0.0

    init() {}

    /// How many times fewer bytes were sent; 1 where none were.
    public var ratio: Double { sentBytes > 0 ? Double(uncompressedBytes) / Double(sentBytes) : 1 }

    mutating func countSent(_ bytes: Int, values: Int) {
      sentBytes += bytes
      uncompressedBytes += values * 4
    }

    mutating func add(_ other: Statistics) {
      sentBytes += other.sentBytes
      uncompressedBytes += other.uncompressedBytes
      steps += other.steps
      encodeSeconds += other.encodeSeconds
      decodeSeconds += other.decodeSeconds
    }
  }

  /// What `int8` has not yet sent of past gradients: a part of the state, without which a continued run differs from an
  /// undisturbed one.
  public struct Residuals: Sendable, Equatable {
    /// Of this rank's gradients, `[value]`.
    public var own: [Float]
    /// Of the sums of the part that this rank owns, `[value of the part]`.
    public var owned: [Float]

    public init(own: [Float] = [], owned: [Float] = []) {
      self.own = own
      self.owned = owned
    }
  }

  /// Takes up residuals that `residuals` gave, on the same rank of as many ranks. Not collective.
  ///
  /// - Throws: `CommunicationError` with code `invalidArgument` when they are of another length, or not finite.
  public func restore(_ residuals: Residuals) throws(CommunicationError) {
    let present = self.residuals
    guard residuals.own.count == present.own.count, residuals.owned.count == present.owned.count else {
      throw CommunicationError(
        .invalidArgument,
        "\(name): residuals of \(residuals.own.count) and \(residuals.owned.count) values where "
          + "\(present.own.count) and \(present.owned.count) are needed; continue with the codec and the number of ranks "
          + "that the state was saved with")
    }
    let isFinite = residuals.own.allSatisfy(\.isFinite) && residuals.owned.allSatisfy(\.isFinite)
    guard isFinite else {
      throw CommunicationError(.invalidArgument, "\(name): a saved residual is not finite; take an earlier state")
    }
    self.residuals = residuals
  }
}

extension Duration {
  /// Seconds with their fraction.
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
