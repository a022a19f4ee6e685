internal import Glibc

/// In which stages the sparsity rises, how many steps each has, and how sharp gates are at each step.
///
/// Stages rise to the whole sparsity over the first three quarters of them; the rest hold it, so that the finished plan has
/// been trained as it is.
public struct PruningScheduler: Sendable, Equatable {
  /// The way up: `s` at once, in equal parts, or by s · (1 − (1 − t)³) (Zhu and Gupta 2017).
  public enum Schedule: String, Sendable, CaseIterable {
    case oneShot = "one-shot"
    case linear
    case cubic
  }

  public let sparsity: Double
  public let steps: Int
  public let stages: Int
  public let schedule: Schedule
  /// τ at the first and at the last step.
  public let temperatures: ClosedRange<Float>
  private let isCooling: Bool

  /// - Parameters:
  ///   - sparsity: to be reached.
  ///   - steps: of all stages together; stages differ by at most one step.
  ///   - stages: at most one per step.
  ///   - temperature: τ at the first step.
  ///   - lastTemperature: τ at the last step; in between it goes geometrically.
  public init(
    sparsity: Double, steps: Int, stages: Int, schedule: Schedule, temperature: Float, lastTemperature: Float
  ) {
    self.sparsity = sparsity
    self.steps = steps
    self.stages = max(1, min(stages, steps))
    self.schedule = schedule
    temperatures = min(temperature, lastTemperature)...max(temperature, lastTemperature)
    isCooling = lastTemperature < temperature
  }

  /// The sparsity of stage `stage`, from 0.
  public func target(ofStage stage: Int) -> Double {
    let rising = max(1, (3 * stages + 3) / 4)
    let share = min(1, Double(stage + 1) / Double(rising))
    switch schedule {
    case .oneShot: return sparsity
    case .linear: return sparsity * share
    case .cubic: return share == 1 ? sparsity : sparsity * (1 - pow(1 - share, 3))
    }
  }

  /// The steps of a stage.
  public func steps(ofStage stage: Int) -> Range<Int> {
    stage * steps / stages..<(stage + 1) * steps / stages
  }

  /// The stage that a step belongs to.
  public func stage(ofStep step: Int) -> Int {
    (0..<stages).first { steps(ofStage: $0).contains(step) } ?? stages - 1
  }

  /// τ at a step.
  public func temperature(atStep step: Int) -> Float {
    let share = steps > 1 ? Float(step) / Float(steps - 1) : 0
    let (low, high) = (temperatures.lowerBound, temperatures.upperBound)
    return isCooling ? high * pow(low / high, share) : low * pow(high / low, share)
  }
}
