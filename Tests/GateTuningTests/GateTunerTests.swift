internal import Architectures
internal import Checkpoints
import Allocation
import Artifacts
import Communication
import GateTuning
import ModelTestSupport
import Optimization
import Repacking
import TestSupport
import Testing
import Transformers

/// Whole runs of a tuner: where they start, what they keep, and where they end.
@Suite struct GateTunerTests {
  static let budgets = BudgetControl.allCases

  /// Perplexities that a test makes up, one for each time that it is asked, and the gates that were judged.
  final class Judge {
    var judged: [ModelGates?] = []
    private let answers: (Int) -> Double

    init(_ answers: @escaping (Int) -> Double) { self.answers = answers }

    func validate(_ gates: ModelGates?) -> Double {
      judged.append(gates)
      return answers(judged.count - 1)
    }
  }

  /// The dense model is judged first, then the very plan that the scores make; with hard gates or by rank that is what the
  /// first step runs.
  @Test(arguments: budgets, GateRegistryTests.granularities)
  func startsAtTheOneShotPlan(budget: BudgetControl, granularity: GateGranularity) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let probe = try TuningProbe(seed: seed)
      probe.settings.budget = budget
      probe.settings.granularity = granularity
      let judge = Judge { 10 - Double($0) }
      probe.validate = judge.validate
      let trace = try probe.run()
      let plan = try probe.allocate(probe.scores, 0.4)
      #expect(judge.judged.count == 3 && judge.judged[0] == nil)
      #expect(judge.judged[1] == probe.mask(plan))
      #expect(trace.outcome?.denseValidationPerplexity == 10)
      if granularity == .unit {
        #expect(abs(try #require(trace.steps[0].sparsity) - plan.achievedSparsity) < 1e-12)
      }
    }
  }

  /// Without steps the one-shot plan is what comes out.
  @Test func noSteps() throws {
    let probe = try TuningProbe()
    probe.scheduler = PruningScheduler(
      sparsity: 0.4, steps: 0, stages: 1, schedule: .oneShot, temperature: 1, lastTemperature: 1)
    probe.validate = { _ in 5 }
    let outcome = try #require(try probe.run().outcome)
    let plan = try probe.allocate(probe.scores, 0.4)
    #expect(outcome.plan == plan && outcome.factors == probe.mask(plan))
    #expect(outcome.keptRound == nil && outcome.rounds.isEmpty && outcome.tokens == 0)
  }

  /// The budget is met exactly, with the allocation's floors and multiples, and factors are those of kept units.
  @Test(arguments: budgets, [true, false]) func exactBudget(budget: BudgetControl, isHard: Bool) throws {
    for granularity in GateRegistryTests.granularities {
      let probe = try TuningProbe()
      probe.settings.budget = budget
      probe.settings.isHard = isHard
      probe.settings.granularity = granularity
      probe.settings.budgetWeight = 5
      let outcome = try #require(try probe.run().outcome)
      let layers = probe.model.blueprint.prunableLayers
      try outcome.plan.checked(against: layers, modelHash: "model")
      #expect(outcome.plan.requestedSparsity == 0.4)
      let report = try SparsityReport(plan: outcome.plan, model: layers)
      #expect(abs(report.sparsity - outcome.plan.achievedSparsity) < 1e-12)
      // A step of the neurons is 4 of them.
      let neuronStep = 392.0 / 10_976
      #expect(abs(report.sparsity - 0.4) <= neuronStep, "\(budget) \(granularity)")
      for layer in outcome.plan.layers {
        #expect(layer.attention.count >= 1 && layer.mlp.count >= 4 && layer.mlp.count % 4 == 0)
      }
      // It is the plan that the logits make.
      let logits = ScoreTable(
        layers: outcome.values.map { ScoreTable.Layer(attention: $0.attention.logits, mlp: $0.mlp.logits) },
        metadata: probe.scores.metadata)
      #expect(try probe.allocate(logits, 0.4, outcome.plan.allocation.gamma) == outcome.plan)
      let values = GateValues(
        layers: outcome.values,
        metadata: GateValues.Metadata(modelHash: "model", planHash: try outcome.plan.digest(), dataHash: ""))
      try values.checked(against: layers, plan: outcome.plan, planHash: try outcome.plan.digest())
      #expect(probe.model.blueprint.factors(values) == outcome.factors)
      // Kept units' factors were trained; removed ones' are 0.
      for (layer, mask) in probe.mask(outcome.plan).enumerated() {
        for (sublayer, kept) in mask {
          let factors = try #require(outcome.factors[layer][sublayer])
          #expect(zip(kept, factors).allSatisfy { ($0 == 0) == ($1 == 0) })
        }
      }
      #expect(outcome.factors != probe.mask(outcome.plan))
      if budget == .rank, granularity == .unit {
        #expect(outcome.plan.achievedSparsity == (try probe.allocate(probe.scores, 0.4).achievedSparsity))
      }
    }
  }

  /// Scales without a learning rate stay 1.
  @Test func scalesCanStay() throws {
    let probe = try TuningProbe()
    probe.settings.scaleLearningRate.peak = 0
    let outcome = try #require(try probe.run().outcome)
    #expect(outcome.factors == probe.mask(outcome.plan))
  }

  /// Tuning that gets worse on held-out text, or so bad that it is infinite, leaves the one-shot plan; one that gets better does not.
  @Test func bestIsKept() throws {
    let probe = try TuningProbe()
    probe.scheduler = PruningScheduler(
      sparsity: 0.4, steps: 6, stages: 3, schedule: .oneShot, temperature: 1, lastTemperature: 1)
    let oneShot = try probe.allocate(probe.scores, 0.4)
    func kept(_ perplexities: [Double]) throws -> TuningOutcome {
      let judge = Judge { perplexities[$0] }
      probe.validate = judge.validate
      let outcome = try #require(try probe.run().outcome)
      #expect(judge.judged.count == 5)
      #expect(outcome.rounds.count == 3 && outcome.rounds.allSatisfy { $0.steps == 2 && $0.target == 0.4 })
      // What is kept is what was judged.
      #expect(outcome.factors == judge.judged[(outcome.keptRound ?? -1) + 2])
      #expect(outcome.validationPerplexity?.bitPattern == perplexities[(outcome.keptRound ?? -1) + 2].bitPattern)
      return outcome
    }
    let worse = try kept([10, 20, 21, 22, 23])
    #expect(worse.keptRound == nil && worse.plan == oneShot && worse.factors == probe.mask(oneShot))
    let infinite = try kept([10, 20, .infinity, .infinity, .infinity])
    #expect(infinite.keptRound == nil && infinite.plan == oneShot)
    #expect(try kept([10, 20, 19, 18, 17]).keptRound == 2)
    #expect(try kept([10, 20, 19, 15, 17]).keptRound == 1)
    #expect(try kept([10, .infinity, 19, 20, 21]).keptRound == 0)
    let error = #expect(throws: CommunicationError.self) { try kept([10, 20, .nan, 19, 18]) }
    #expect(
      error?.message.hasPrefix("gate tuning, step 2: validation perplexity is NaN; lower tuning.learning-rate") == true)
    #expect(try kept([10, 20, 20, 20, 20]).keptRound == nil)
    // Without held-out text the last one is.
    probe.validate = nil
    let last = try #require(try probe.run().outcome)
    #expect(last.keptRound == 2 && last.validationPerplexity == nil && last.denseValidationPerplexity == nil)
  }

  /// Learning rates that ruin the gates end the run at the step that did, with no number in its states that is none.
  @Test(
    arguments: [
      (.infinity, 0.02, "gate tuning, step 1: the update leaves "),
      (0.1, .infinity, "gate tuning, step 1: the update leaves "),
      (0.1, 1e38, "gate tuning, step 2: the output of layer 0 is infinite or NaN"),
    ] as [(Float, Float, String)])
  func divergenceIsTold(logits: Float, scales: Float, beginning: String) throws {
    let probe = try TuningProbe()
    probe.settings.learningRate = LearningRate(peak: logits, warmUp: 0, steps: 6, decay: .constant)
    probe.settings.scaleLearningRate = LearningRate(peak: scales, warmUp: 0, steps: 6, decay: .constant)
    var states: [TrainingState] = []
    let error = #expect(throws: (any Error).self) { try probe.run { states.append($0) } }
    let text = try #require(error.map { "\($0)" })
    #expect(text.hasPrefix(beginning) && text.contains("; lower tuning.learning-rate"), "\(text)")
    let isTyped = error is Overflow || (error as? CommunicationError)?.code == .notFinite
    #expect(isTyped)
    #expect(states.count == (scales.isFinite && logits.isFinite ? 1 : 0))
    let areFinite = states.flatMap(\.shared.arrays.values).allSatisfy { $0.allSatisfy(\.isFinite) }
    #expect(areFinite)
  }

  /// A higher sparsity replaces a lower one, until one is too much.
  @Test func stopsRising() throws {
    let probe = try TuningProbe()
    probe.scheduler = PruningScheduler(
      sparsity: 0.5, steps: 8, stages: 4, schedule: .linear, temperature: 1, lastTemperature: 1)
    let targets = (0..<4).map(probe.scheduler.target)
    func outcome(_ perplexities: [Double], stopAt: Double?) throws -> TuningOutcome {
      probe.settings.stopAt = stopAt
      let judge = Judge { perplexities[$0] }
      probe.validate = judge.validate
      return try #require(try probe.run().outcome)
    }
    // Dense, one-shot at the first target, two stages, one-shot at the last target, and the other two stages at it.
    #expect(targets[2] == 0.5 && targets[3] == 0.5)
    let whole = try outcome([10, 12, 11, 13, 45, 40, 39], stopAt: nil)
    #expect(whole.keptRound == 3 && whole.plan.requestedSparsity == 0.5 && whole.rounds.map(\.target) == targets)
    let stopped = try outcome([10, 12, 11, 13, 45, 40, 39], stopAt: 2)
    #expect(stopped.keptRound == 1 && stopped.plan.requestedSparsity == targets[1])
    #expect(stopped.rounds.count == 3 && stopped.validationPerplexity == 13)
    // Too much at the first sparsity already: no higher one is tried.
    let first = try outcome([10, 22, 21, 13, 14, 13, 12], stopAt: 2)
    #expect(first.keptRound == 0 && first.rounds.count == 1 && first.plan.requestedSparsity == targets[0])
    // A stage that holds the sparsity can be worse without an end of it.
    let held = try outcome([10, 12, 11, 13, 45, 19, 21], stopAt: 2)
    #expect(held.keptRound == 2 && held.rounds.count == 4)
    // Stages that end worse than the one-shot plan at the whole sparsity leave that, with units as they were.
    let oneShot = try probe.allocate(probe.scores, 0.5)
    let worse = try outcome([10, 12, 11, 13, 18, 19, 20], stopAt: nil)
    #expect(worse.keptRound == nil && worse.rounds.count == 4 && worse.validationPerplexity == 18)
    #expect(worse.plan == oneShot && worse.factors == probe.mask(oneShot))
  }

  /// Scores of a further stage set the gates anew, from the gates as they are.
  @Test func rescoring() throws {
    let probe = try TuningProbe()
    probe.scheduler = PruningScheduler(
      sparsity: 0.5, steps: 4, stages: 2, schedule: .linear, temperature: 1, lastTemperature: 1)
    let other = ScoreTable.random(for: probe.model.blueprint, seed: 77)
    var seen: [ModelGates] = []
    probe.rescore = { gates in
      seen.append(gates)
      return other
    }
    let trace = try probe.run()
    #expect(seen.count == 1)
    let second = try probe.allocate(other, probe.scheduler.target(ofStage: 1))
    #expect(abs(try #require(trace.steps[2].sparsity) - second.achievedSparsity) < 1e-12)
    // What is scored is the first stage's plan with its scales.
    let judge = Judge { 100 - Double($0) }
    probe.validate = judge.validate
    _ = try probe.run()
    #expect(seen.last == judge.judged[2])
  }

  /// Whatever holds the budget, a run that goes on from any of its states ends with the same bits.
  @Test(arguments: budgets, [true, false]) func resumesToTheSameBits(budget: BudgetControl, isHard: Bool) throws {
    let probe = try TuningProbe()
    probe.settings.budget = budget
    probe.settings.isHard = isHard
    probe.settings.clip = 0.05
    probe.scheduler = PruningScheduler(
      sparsity: 0.5, steps: 6, stages: 3, schedule: .cubic, temperature: 1, lastTemperature: 0.5)
    if isHard { probe.rescore = { [model = probe.model] _ in .random(for: model.blueprint, seed: 77) } }
    probe.validate = { [probe] gates in
      // Any number that depends on the gates.
      let gates = try gates ?? probe.mask(probe.allocate(probe.scores, 0))
      let factors = gates.flatMap { layer in layer.sorted { $0.key < $1.key }.map(\.value) }
      return factors.reduce(1.0) { $0 + $1.norm }
    }
    let undisturbed = try probe.run()
    let wanted = try #require(undisturbed.outcome)
    #expect(undisturbed.states.map(\.step) == [1, 2, 3, 4, 5] && undisturbed.steps.map(\.step) == [1, 2, 3, 4, 5, 6])
    for state in undisturbed.states {
      let resumed = try probe.run(from: state)
      let outcome = try #require(resumed.outcome)
      #expect(resumed.states == Array(undisturbed.states.dropFirst(state.step)), "from \(state.step)")
      #expect(outcome.plan == wanted.plan && outcome.factors == wanted.factors && outcome.values == wanted.values)
      #expect(outcome.rounds == wanted.rounds && outcome.keptRound == wanted.keptRound)
      #expect(outcome.tokens == wanted.tokens && outcome.validationPerplexity == wanted.validationPerplexity)
      #expect(outcome.denseValidationPerplexity == wanted.denseValidationPerplexity)
    }
    // Through a file too.
    let folder = try TemporaryFolder()
    try undisturbed.states[2].shared.write(to: folder.file("state.safetensors"))
    let read = TrainingState(
      step: 3, shared: try SavedState(contentsOfFile: folder.file("state.safetensors")), own: nil)
    #expect(read == undisturbed.states[2])
  }

  /// A state that was stopped stays so, and one of another model is refused.
  @Test func otherStates() throws {
    let probe = try TuningProbe()
    let state = try #require(try probe.run(until: 1).states.first)
    let other = try TuningProbe(model: RandomCheckpoint.model(["intermediate_size": 32]))
    let error = #expect(throws: ArtifactError.self) { try other.run(from: state) }
    #expect(error?.code == .mismatch)
    var broken = state
    broken.shared.values = [:]
    #expect(throws: ArtifactError.self) { try probe.run(from: broken) }
  }

  /// The augmented Lagrangian brings the open share of soft gates to the target; without it, the share goes its own way.
  @Test(arguments: [0.2, 0.6]) func lagrangianHoldsTheBudget(sparsity: Double) throws {
    func lastSparsity(_ budget: BudgetControl) throws -> Double {
      let probe = try TuningProbe()
      probe.settings.objective = .crossEntropy
      probe.settings.isHard = false
      probe.settings.budget = budget
      probe.settings.budgetWeight = 5
      probe.settings.saveEvery = 0
      probe.scheduler = PruningScheduler(
        sparsity: sparsity, steps: 400, stages: 1, schedule: .oneShot, temperature: 1, lastTemperature: 1)
      let steps = try probe.run().steps.suffix(50)
      return try steps.reduce(0) { try $0 + #require($1.sparsity) } / Double(steps.count)
    }
    let (held, free) = (try lastSparsity(.lagrangian), try lastSparsity(.none))
    #expect(abs(held - sparsity) < 0.02, "\(held)")
    #expect(abs(free - sparsity) > 0.05, "\(free)")
  }

  /// Training does what it is for: with the budget held, the objective falls.
  @Test func lossFalls() throws {
    let probe = try TuningProbe()
    probe.settings.budget = .rank
    probe.settings.saveEvery = 0
    probe.scheduler = PruningScheduler(
      sparsity: 0.4, steps: 60, stages: 1, schedule: .oneShot, temperature: 1, lastTemperature: 1)
    let losses = try probe.run().steps.map(\.loss)
    let (first, last) = (losses.prefix(10).reduce(0, +), losses.suffix(10).reduce(0, +))
    #expect(last < 0.9 * first, "\(first) and \(last)")
  }
}
