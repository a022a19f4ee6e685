import Foundation
import Optimization
import TestSupport
import Testing

/// The optimizer, its schedule and clipping, against numbers of PyTorch and transformers (scripts/oracle/optimization.py).
@Suite struct PyTorchParityTests {
  struct Golden: Decodable {
    struct Run: Decodable {
      struct Settings: Decodable {
        let lr: Float
        let betas: [Float]?
        let eps: Float?
        let weightDecay: Float?
      }
      let settings: Settings
      /// `[step][parameter]`
      let parameters: [[Float]]
    }
    struct Schedule: Decodable {
      let warmUp: Int
      let steps: Int
      let rates: [Float]
    }
    struct Clip: Decodable {
      let gradient: [Float]
      let limit: Double
      let norm: Double
      let clipped: [Float]
    }
    let start: [Float]
    let gradients: [[Float]]
    let runs: [String: Run]
    let schedules: [Schedule]
    let clips: [Clip]

    init() throws {
      let bytes = try TemporaryFolder.bytes(of: Fixtures.path("optimization/pytorch.json"))
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      self = try decoder.decode(Golden.self, from: Data(bytes))
    }
  }

  @Test(arguments: ["adam", "adamw", "betas"]) func adam(name: String) throws {
    let golden = try Golden()
    let run = try #require(golden.runs[name])
    var settings = Adam.Settings()
    if let betas = run.settings.betas { (settings.beta1, settings.beta2) = (betas[0], betas[1]) }
    if let epsilon = run.settings.eps { settings.epsilon = epsilon }
    if let weightDecay = run.settings.weightDecay { settings.weightDecay = weightDecay }
    var optimizer = Adam(count: golden.start.count, settings: settings)
    var parameters = golden.start
    for (step, gradient) in golden.gradients.enumerated() {
      let before = parameters
      optimizer.update(&parameters, gradients: gradient, learningRate: run.settings.lr)
      #expect(optimizer.steps == step + 1)
      // Also where gradients are zero the moments go on.
      #expect(parameters != before)
      #expect(largestDifference(parameters, run.parameters[step]) < 5e-6, "step \(step)")
    }
    #expect(golden.gradients.count == run.parameters.count && run.parameters.count == 40)
  }

  /// What is not to be decayed is Adam, and a step of zero moves nothing.
  @Test func withoutDecayAndRate() throws {
    let golden = try Golden()
    var (adam, decayed) = (Adam(count: 5), Adam(count: 5, settings: Adam.Settings(weightDecay: 0.5)))
    var (first, second) = (golden.start, golden.start)
    adam.update(&first, gradients: golden.gradients[0], learningRate: 0)
    #expect(first == golden.start)
    adam.update(&first, gradients: golden.gradients[1], learningRate: 0.1)
    decayed.update(&second, gradients: golden.gradients[0], learningRate: 0)
    decayed.update(&second, gradients: golden.gradients[1], learningRate: 0.1)
    #expect(largestDifference(zip(first, golden.start).map { $0 - 0.05 * $1 }, second) < 1e-6)
  }

  /// The way down is transformers'; the way up is that of a warm-up one step longer whose first, at a rate of 0, is left
  /// out.
  @Test func cosineSchedule() throws {
    let golden = try Golden()
    for schedule in golden.schedules {
      let rate = LearningRate(peak: 0.25, warmUp: schedule.warmUp, steps: schedule.steps, decay: .cosine)
      for step in schedule.warmUp..<max(schedule.warmUp, schedule.steps) {
        #expect(abs(rate(step) - schedule.rates[step]) < 1e-7, "\(schedule.warmUp) of \(schedule.steps): \(step)")
      }
    }
    let rates = golden.schedules[1].rates
    let shorter = LearningRate(peak: 0.25, warmUp: 4, steps: 29, decay: .cosine)
    for step in 0..<29 { #expect(abs(shorter(step) - rates[step + 1]) < 1e-7, "\(step)") }
    let constant = LearningRate(peak: 0.25, warmUp: 4, steps: 29, decay: .constant)
    for step in 0..<60 { #expect(constant(step) == (step < 4 ? 0.05 * Float(step + 1) : 0.25), "\(step)") }
    // Beyond the end the rate stays at 0, and a warm-up longer than the run never gets to its peak.
    #expect(shorter(29) == 0 && shorter(1000) == 0)
    #expect(LearningRate(peak: 1, warmUp: 9, steps: 5, decay: .cosine)(4) == 0.5)
  }

  @Test func clipping() throws {
    for golden in try Golden().clips {
      var gradient = golden.gradient
      #expect(abs(clip(&gradient, to: golden.limit) - golden.norm) <= 1e-6 * golden.norm)
      // PyTorch adds 1e-6 to the norm that it divides by.
      let allowed = golden.norm == 0 ? 0 : 2e-6 * golden.limit
      #expect(Double(largestDifference(gradient, golden.clipped)) <= allowed)
      var kept = golden.gradient
      #expect(clip(&kept, to: nil) == norm(of: golden.gradient))
      #expect(kept == golden.gradient)
    }
  }
}
