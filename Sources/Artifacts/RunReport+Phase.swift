extension RunReport {
  /// One phase of the run, over all ranks.
  public struct Phase: Codable, Sendable, Equatable {
    /// The phase's name, such as `score`.
    public var name: String
    /// The seconds of the slowest rank, which is what the phase took.
    public var secondsMax: Double
    /// The mean over ranks; ``secondsMax`` over this is the imbalance.
    public var secondsMean: Double
    /// How fast the phase went; `nil` where no rate says anything.
    public var rate: Rate?

    /// A phase from each rank's seconds; no rank: 0 seconds.
    public init(name: String, seconds: [Double], rate: Rate? = nil) {
      self.name = name
      secondsMax = seconds.max() ?? 0
      secondsMean = seconds.isEmpty ? 0 : seconds.reduce(0, +) / Double(seconds.count)
      self.rate = rate
    }

    private enum CodingKeys: String, CodingKey {
      case name
      case secondsMax = "seconds_max"
      case secondsMean = "seconds_mean"
      case rate
    }
  }

  /// A number per second.
  public struct Rate: Codable, Sendable, Equatable {
    /// How many per second.
    public var value: Double
    /// Of what, with the time: `tokens/s`, `MB/s`.
    public var unit: String

    /// `value` of `unit`.
    public init(value: Double, unit: String) {
      self.value = value
      self.unit = unit
    }
  }
}
