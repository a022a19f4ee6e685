import GateTuning
import Testing

/// Stages, targets and temperatures of any schedule.
@Suite struct PruningSchedulerTests {
  @Test(arguments: PruningScheduler.Schedule.allCases, [0, 1, 2, 3, 7, 100])
  func stages(schedule: PruningScheduler.Schedule, steps: Int) {
    for stages in [1, 2, 3, 4, 5, 8, 200] {
      for sparsity in [0, 0.37, 0.99] {
        let scheduler = PruningScheduler(
          sparsity: sparsity, steps: steps, stages: stages, schedule: schedule, temperature: 1, lastTemperature: 1)
        #expect(scheduler.stages == max(1, min(stages, steps)))
        // The stages are all steps, in order, in parts as equal as can be.
        let parts = (0..<scheduler.stages).map { scheduler.steps(ofStage: $0) }
        #expect(parts.flatMap { $0 } == Array(0..<steps))
        #expect((parts.map(\.count).max() ?? 0) - (parts.map(\.count).min() ?? 0) <= 1)
        for (stage, part) in parts.enumerated() { #expect(part.allSatisfy { scheduler.stage(ofStep: $0) == stage }) }
        // Targets never fall, end at exactly the sparsity, and hold it over the last quarter.
        let targets = (0..<scheduler.stages).map(scheduler.target)
        #expect(zip(targets, targets.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(targets.last == sparsity && targets.allSatisfy { $0 >= 0 && $0 <= sparsity })
        #expect(targets.count { $0 == sparsity } >= scheduler.stages / 4)
        if schedule == .oneShot { #expect(targets.allSatisfy { $0 == sparsity }) }
      }
    }
  }

  /// Of eight stages six rise.
  @Test func targets() {
    func targets(_ schedule: PruningScheduler.Schedule) -> [Double] {
      let scheduler = PruningScheduler(
        sparsity: 0.6, steps: 80, stages: 8, schedule: schedule, temperature: 1, lastTemperature: 1)
      return (0..<8).map(scheduler.target)
    }
    let linear = targets(.linear)
    for (stage, target) in linear.enumerated() {
      #expect(abs(target - 0.6 * min(1, Double(stage + 1) / 6)) < 1e-12)
    }
    for (stage, target) in targets(.cubic).enumerated() {
      let left = 1 - min(1, Double(stage + 1) / 6)
      #expect(abs(target - 0.6 * (1 - left * left * left)) < 1e-12)
      #expect(target >= linear[stage])
    }
  }

  @Test(arguments: [(2, 0.1), (0.1, 2), (1.5, 1.5)] as [(Float, Float)])
  func temperatures(first: Float, last: Float) {
    let scheduler = PruningScheduler(
      sparsity: 0.5, steps: 11, stages: 2, schedule: .linear, temperature: first, lastTemperature: last)
    let values = (0..<11).map(scheduler.temperature)
    #expect(abs(values[0] - first) < 1e-6 && abs(values[10] - last) < 1e-6)
    // Each is the one before times the same number.
    for index in 1..<10 {
      #expect(abs(values[index] * values[index] / (values[index - 1] * values[index + 1]) - 1) < 1e-5)
    }
    let single = PruningScheduler(
      sparsity: 0.5, steps: 1, stages: 1, schedule: .linear, temperature: first, lastTemperature: last)
    #expect(single.temperature(atStep: 0) == first)
  }
}
