internal import Compute
import Artifacts
import Blueprints
import Communication
import ModelTestSupport
import Optimization
import Recovery
import TestSupport
import Testing
import Transformers

/// Whole runs of a trainer.
@Suite struct RecoveryTrainerTests {
  /// The first step's loss is that of the model as it came.
  @Test(arguments: TestedBackend.allCases, [TrainingLoss.crossEntropy, .divergence(temperature: 2)])
  func startsAtTheModel(backend: TestedBackend, objective: TrainingLoss) throws {
    let probe = try RecoveryProbe(backend)
    probe.settings.objective = objective
    let teacher = try RandomCheckpoint.model(seed: 9)
    probe.teacher = .model(RecoveryProbe.widened(teacher, probe.backend))
    let batches = probe.batches(0)
    let pass = TrainingPass(RecoveryProbe.widened(probe.model, probe.backend))
    let plain = try batches.passes.reduce(0.0) {
      try $0
        + pass.run(
          $1, objective: objective, teacher: probe.teacher, targets: batches.targets,
          student: TrainingPass.Student(), keepsActivations: true
        ).value
    }
    let trace = try probe.run()
    #expect(plain > 0.1 && abs(trace.steps[0].loss - plain) < 1e-6 * plain)
    #expect(trace.outcome.loss == trace.steps.last?.loss && trace.steps.map(\.step) == Array(1...8))
    #expect(trace.outcome.tokens == (0..<8).reduce(0) { $0 + probe.batches($1).tokens })
    // The rate goes up over the warm-up, and down.
    #expect(trace.steps.map { Float($0.learningRate) } == (0..<8).map { probe.settings.learningRate($0) })
  }

  /// On text that comes again and again the loss falls, with dropout too.
  @Test(arguments: [0, 0.1] as [Float]) func learns(dropout: Float) throws {
    let probe = try RecoveryProbe()
    probe.texts = 4
    (probe.settings.steps, probe.settings.saveEvery, probe.settings.dropout) = (40, 0, dropout)
    probe.settings.learningRate = LearningRate(peak: 0.02, warmUp: 3, steps: 40, decay: .cosine)
    let trace = try probe.run()
    let losses = trace.steps.map(\.loss)
    #expect(losses[39] < 0.6 * losses[0], "\(losses[0]) to \(losses[39])")
    #expect(trace.states.isEmpty && trace.outcome.keptStep == 40)
  }

  /// Distillation brings the model nearer to its teacher.
  @Test func learnsFromATeacher() throws {
    let probe = try RecoveryProbe()
    probe.texts = 4
    probe.settings.objective = .divergence(temperature: 1)
    (probe.settings.steps, probe.settings.saveEvery) = (40, 0)
    probe.settings.learningRate = LearningRate(peak: 0.02, warmUp: 3, steps: 40, decay: .cosine)
    probe.teacher = .model(RecoveryProbe.widened(try RandomCheckpoint.model(seed: 9), probe.backend))
    let losses = try probe.run().steps.map(\.loss)
    #expect(losses[39] < 0.6 * losses[0], "\(losses[0]) to \(losses[39])")
  }

  /// A run that is worse at each validation, or so bad that it is infinite, keeps the start; else the best counts.
  @Test func bestIsKept() throws {
    let probe = try RecoveryProbe()
    func kept(_ perplexities: [Double]) throws -> RecoveryProbe.Trace {
      var (asked, seen): (Int, [[Float]]) = (0, [])
      probe.validate = { adapters in
        seen.append(adapters.sorted { "\($0.key)" < "\($1.key)" }.flatMap { probe.backend.floats($0.value.b) })
        asked += 1
        return perplexities[asked - 1]
      }
      let trace = try probe.run()
      #expect(asked == 5 && Set(seen).count == 5)
      #expect(trace.outcome.startPerplexity?.bitPattern == perplexities[0].bitPattern)
      #expect(
        trace.steps.map { $0.validationPerplexity?.bitPattern }
          == perplexities.dropFirst().flatMap { [nil, $0.bitPattern] })
      return trace
    }
    let worse = try kept([10, 11, 12, 13, 14])
    #expect(worse.outcome.keptStep == 0 && worse.outcome.validationPerplexity == 10)
    #expect(worse.registry.values == worse.start)
    #expect(try kept([10, 11, .infinity, .infinity, .infinity]).outcome.keptStep == 0)
    #expect(try kept([10, 10, 10, 10, 10]).outcome.keptStep == 0)
    let middle = try kept([10, 9, 8, 8.5, 9])
    #expect(middle.outcome.keptStep == 4 && middle.outcome.validationPerplexity == 8)
    #expect(middle.registry.values == middle.states[3].shared.arrays["values"])
    #expect(try kept([.infinity, 9, 10, 11, 12]).outcome.keptStep == 2)
    #expect(try kept([10, 9, 8, 7, 6]).outcome.keptStep == 8)
  }

  /// A learning rate that ruins the model ends the run at the step that did, with no number in its states that is none.
  @Test(
    arguments: [
      (1e30, "recovery, step 2: the output of layer 0 is infinite or NaN"),
      (.infinity, "recovery, step 1: the update leaves "),
    ] as [(Float, String)])
  func divergenceIsTold(learningRate: Float, beginning: String) throws {
    let probe = try RecoveryProbe()
    probe.settings.learningRate = LearningRate(peak: learningRate, warmUp: 0, steps: 8, decay: .constant)
    var states: [TrainingState] = []
    let error = #expect(throws: (any Error).self) { try probe.run { states.append($0) } }
    let text = try #require(error.map { "\($0)" })
    #expect(text.hasPrefix(beginning) && text.contains("; lower recovery.learning-rate"), "\(text)")
    let isTyped = error is Overflow || (error as? CommunicationError)?.code == .notFinite
    #expect(isTyped)
    #expect(states.count == (learningRate.isFinite ? 1 : 0))
    let areFinite = states.flatMap(\.shared.arrays.values).allSatisfy { $0.allSatisfy(\.isFinite) }
    #expect(areFinite)
  }

  /// A validation that comes to no number is none, whatever came before.
  @Test func validationThatIsNoNumber() throws {
    let probe = try RecoveryProbe()
    var asked = 0
    probe.validate = { _ in
      asked += 1
      return asked == 2 ? .nan : 10
    }
    let error = #expect(throws: CommunicationError.self) { try probe.run() }
    #expect(error?.code == .notFinite)
    #expect(
      error?.message.hasPrefix("recovery, step 2: validation perplexity is NaN; lower recovery.learning-rate") == true)
  }

  /// What dropout leaves out does not depend on the batches that sequences are in.
  @Test(arguments: TestedBackend.allCases) func dropoutKnowsNoBatches(backend: TestedBackend) throws {
    let probe = try RecoveryProbe(backend)
    func values(_ dropout: Float, _ batchTokens: Int) throws -> [[Float]] {
      (probe.settings.dropout, probe.batchTokens) = (dropout, batchTokens)
      return try probe.run().states.map { $0.shared.arrays["values"] ?? [] }
    }
    let (alone, together, without) = (try values(0.4, 1), try values(0.4, 1000), try values(0, 1000))
    #expect(probe.batches(0).passes.map(\.count) == [1, 1])
    #expect(alone.count == 7)
    for step in alone.indices {
      #expect(largestDifference(alone[step], together[step]) < 1e-4, "step \(step + 1)")
      #expect(largestDifference(alone[step], without[step]) > 1e-3, "step \(step + 1)")
    }
  }

  /// A run that goes on from any of its states ends with the same bits.
  @Test(arguments: [0, 0.1] as [Float]) func resumesToTheSameBits(dropout: Float) throws {
    let probe = try RecoveryProbe()
    probe.settings.dropout = dropout
    // Any number that depends on the adapters, and is not the best at the end.
    probe.validate = { adapters in
      adapters.values.flatMap { probe.backend.floats($0.b) }.sorted().reduce(20) { $0 + abs(0.05 - abs(Double($1))) }
    }
    let undisturbed = try probe.run()
    #expect(undisturbed.states.map(\.step) == Array(1...7))
    for state in undisturbed.states {
      let resumed = try probe.run(from: state)
      #expect(resumed.states == Array(undisturbed.states.dropFirst(state.step)), "from \(state.step)")
      #expect(resumed.outcome == undisturbed.outcome && resumed.registry.values == undisturbed.registry.values)
    }
    probe.settings.rank = 4
    let error = #expect(throws: ArtifactError.self) { try probe.run(from: undisturbed.states[0]) }
    #expect(error?.code == .mismatch)
  }
}
