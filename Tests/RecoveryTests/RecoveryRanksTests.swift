internal import Artifacts
import Communication
import MPITestSupport
import ModelTestSupport
import Recovery
import TestSupport
import Testing
import Transformers

/// A whole run on any number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct RecoveryRanksTests {
  /// The same global batch leads to the same adapters, whoever runs its sequences, and to the same bits on every rank.
  @Test(arguments: [0, 0.1] as [Float]) func anyNumberOfRanks(dropout: Float) throws {
    let communicator = try TestWorld.communicator("\(#function) \(dropout)")
    func run(_ communicator: any Communicator) throws -> RecoveryProbe.Trace {
      let probe = try RecoveryProbe(communicator: communicator)
      probe.settings.dropout = dropout
      probe.settings.objective = .divergence(temperature: 1)
      probe.teacher = .model(RecoveryProbe.widened(try RandomCheckpoint.model(seed: 9), probe.backend))
      return try probe.run()
    }
    let (golden, trace) = (try run(SoloCommunicator()), try run(communicator))
    #expect(trace.states.count == golden.states.count && trace.states.count == 7)
    for (state, expected) in zip(trace.states, golden.states) {
      try communicator.requireAgreement(on: "state of step \(state.step)", digest: state.shared.digest)
      let (own, wanted) = (state.shared.arrays["values"] ?? [], expected.shared.arrays["values"] ?? [])
      #expect(!own.isEmpty && largestDifference(own, wanted) < 1e-4, "after step \(state.step)")
    }
    #expect(largestDifference(trace.registry.values, golden.registry.values) < 1e-4)
    #expect(largestDifference(trace.registry.values, trace.start) > 1e-3)
    #expect(trace.outcome.tokens == golden.outcome.tokens)
  }
}
