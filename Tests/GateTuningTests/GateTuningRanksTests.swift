import Artifacts
import Communication
import GateTuning
import MPITestSupport
import TestSupport
import Testing

/// A whole run on any number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct GateTuningRanksTests {
  /// The same global batch leads to the same gates, whoever runs its sequences, and to the same bits on every rank.
  @Test(arguments: [true, false]) func anyNumberOfRanks(isHard: Bool) throws {
    let communicator = try TestWorld.communicator("\(#function) \(isHard)")
    let scheduler = PruningScheduler(
      sparsity: 0.4, steps: 8, stages: 2, schedule: .linear, temperature: 1, lastTemperature: 0.7)
    func run(_ communicator: any Communicator) throws -> TuningProbe.Trace {
      let probe = try TuningProbe(communicator: communicator)
      probe.settings.isHard = isHard
      probe.scheduler = scheduler
      return try probe.run()
    }
    let (golden, trace) = (try run(SoloCommunicator()), try run(communicator))
    #expect(trace.states.count == golden.states.count && trace.states.count == 7)
    for (state, expected) in zip(trace.states, golden.states) {
      try communicator.requireAgreement(on: "state of step \(state.step)", digest: state.shared.digest)
      for name in ["logits", "scales"] {
        let (own, wanted) = (state.shared.arrays[name] ?? [], expected.shared.arrays[name] ?? [])
        #expect(!own.isEmpty && largestDifference(own, wanted) < 1e-4, "\(name) after step \(state.step)")
      }
    }
    let (outcome, wanted) = (try #require(trace.outcome), try #require(golden.outcome))
    try communicator.requireAgreement(on: "plan", digest: try outcome.plan.digest())
    #expect(outcome.plan == wanted.plan && outcome.tokens == wanted.tokens)
    for (layer, expected) in zip(outcome.values, wanted.values) {
      for (pool, expected) in [(layer.attention, expected.attention), (layer.mlp, expected.mlp)] {
        #expect(largestDifference(pool.logits, expected.logits) < 1e-4)
        #expect(largestDifference(pool.factors, expected.factors) < 1e-4)
      }
    }
    // What one rank saved, any number goes on from, and one from what they did.
    for (communicator, state) in [
      (communicator, golden.states[2]), (SoloCommunicator() as any Communicator, trace.states[4]),
    ] {
      let probe = try TuningProbe(communicator: communicator)
      probe.settings.isHard = isHard
      probe.scheduler = scheduler
      let resumed = try probe.run(from: TrainingState(step: state.step, shared: state.shared, own: nil))
      let outcome = try #require(resumed.outcome)
      #expect(outcome.plan == wanted.plan && resumed.steps.map(\.step) == Array(state.step + 1...8))
      for (layer, expected) in zip(outcome.values, wanted.values) {
        #expect(largestDifference(layer.mlp.logits, expected.mlp.logits) < 1e-4)
        #expect(largestDifference(layer.mlp.factors, expected.mlp.factors) < 1e-4)
      }
    }
    for (step, expected) in zip(trace.steps, golden.steps) {
      #expect(abs(step.loss - expected.loss) < 1e-4 * expected.loss && step.tokens == expected.tokens)
    }
  }
}
