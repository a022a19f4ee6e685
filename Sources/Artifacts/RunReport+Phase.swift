extension RunReport {
  /// One phase of the run, over all ranks.
  public struct Phase: Codable, Sendable, Equatable {
    /// The phase's name, such as `score`.
    public var name: String
    /// The seconds of the slowest rank, which is what the phase took.
    public var secondsMax: Double
    /// The mean over ranks; ``secondsMax`` over this is the imbalance.
    public var secondsMean: Double
    /// The seconds of the fastest rank; `nil` in reports of older versions.
    public var secondsMin: Double?
    /// The median over ranks, of an even number the mean of the middle two; `nil` in reports of older versions.
    public var secondsMedian: Double?
    /// Each rank's seconds, by rank; `nil` beyond ``mostRanks`` ranks, where a report would hold little else.
    public var seconds: [Double]?
    /// How fast the phase went; `nil` where no rate says anything.
    public var rate: Rate?
    /// The most bytes that the backend's matrices took at a time, of the rank that had most; `nil` where there were none
    /// and in reports of older versions.
    public var peakBytes: Int?
    /// The seconds that were expected at the run's start; `nil` where nothing was.
    public var predictedSeconds: Double?
    /// What ``peakBytes`` was expected to be.
    public var predictedPeakBytes: Int?

    /// Of each rank's ``seconds`` those that it waited for others, by rank; `nil` as ``seconds``, and on one rank.
    public var waiting: [Double]?
    /// The rank that computed for much longer than the others; `nil` where none did.
    public var straggler: Straggler?

    /// The most ranks whose seconds are each recorded.
    public static let mostRanks = 16

    /// A phase from each rank's seconds; no rank: 0 seconds.
    ///
    /// - Parameters:
    ///   - predictedSeconds: what the estimate said; nil where there was none.
    ///   - predictedPeakBytes: the same of ``peakBytes``.
    ///   - waiting: of each rank's seconds those that it waited for others; empty where that is not known.
    ///   - hosts: each rank's host, where `waiting` is known.
    ///   - shares: how much of the phase's work each rank had; `nil`: the same each.
    public init(
      name: String, seconds: [Double], rate: Rate? = nil, peakBytes: Int? = nil, predictedSeconds: Double? = nil,
      predictedPeakBytes: Int? = nil, waiting: [Double] = [], hosts: [String] = [], shares: [Double]? = nil
    ) {
      self.name = name
      let sorted = seconds.sorted()
      secondsMax = sorted.last ?? 0
      secondsMean = seconds.isEmpty ? 0 : seconds.reduce(0, +) / Double(seconds.count)
      secondsMin = sorted.first
      secondsMedian = sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      self.seconds = seconds.isEmpty || seconds.count > Self.mostRanks ? nil : seconds
      self.rate = rate
      self.peakBytes = peakBytes
      self.predictedSeconds = predictedSeconds
      self.predictedPeakBytes = predictedPeakBytes
      guard seconds.count > 1, waiting.count == seconds.count, hosts.count == seconds.count else { return }
      self.waiting = seconds.count > Self.mostRanks ? nil : waiting
      straggler = Straggler(computing: zip(seconds, waiting).map { max(0, $0 - $1) }, hosts: hosts, shares: shares)
    }

    private enum CodingKeys: String, CodingKey {
      case name
      case secondsMax = "seconds_max"
      case secondsMean = "seconds_mean"
      case secondsMin = "seconds_min"
      case secondsMedian = "seconds_median"
      case seconds, rate
      case peakBytes = "peak_bytes"
      case waiting, straggler
      case predictedSeconds = "predicted_seconds"
      case predictedPeakBytes = "predicted_peak_bytes"
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
