internal import Blueprints
import Architectures
import Artifacts
import ModelTestSupport
import Pipeline
import TestSupport
import Testing
import Transformers

/// What a rank keeps in memory while it scores, decided before it does.
@Suite struct MemoryPlanTests {
  static func plan(
    sequences: Int = 32, batch: Int = 1024, ranks: Int? = nil, recompute: RecomputeChoice = .always,
    limit: Int? = nil, available: Int = 0, bfloat16: Bool = false
  ) throws -> MemoryPlan {
    let model = try Model(path: Fixtures.demoModel)
    let batches = TokenBatch.split(Array(repeating: Array(repeating: 1, count: 128), count: sequences), tokens: batch)
    return MemoryPlan(
      model, MemoryPlan.Workload(batches, objective: .maximumLogit),
      weights: WeightResidence(owner: ranks.map { (0, $0) }, usesBFloat16: bfloat16), recompute: recompute,
      limit: limit.map(ByteSize.init(bytes:)), available: available)
  }

  @Test func boundariesAreOnePerLayer() throws {
    let boundary = 4096 * 128 * 4 * 9 / 8
    #expect(try Self.plan().account[.boundaries] == 6 * boundary)
    #expect(try Self.plan(recompute: .never).account[.boundaries] == 0)
    #expect(try Self.plan(sequences: 64).account[.boundaries] == 12 * boundary)
    #expect(try Self.plan(sequences: 0).account[.boundaries] == 0)
  }

  /// More tokens in a batch need more, more owners less, mapped files least; boundaries can be spilled and do not count.
  @Test func isMonotone() throws {
    let batches = try [128, 512, 1024, 2048, 4096].map { try Self.plan(batch: $0).neededBytes }
    #expect(batches == batches.sorted() && Set(batches).count == batches.count)
    let owners = try [8, 4, 2].map { try Self.plan(ranks: $0).account[.weightsHeld] }
    #expect(owners == owners.sorted() && Set(owners).count == owners.count)
    #expect(try Self.plan().account[.weightsHeld] == 0)
    #expect(try Self.plan().neededBytes < Self.plan(ranks: 2).neededBytes)
    let (few, many) = (try Self.plan().account, try Self.plan(sequences: 64).account)
    #expect(many.total - few.total == 7 * few[.streams], "six boundaries and the stream")
  }

  /// A demo of 1.3 M parameters is not refused for what only large models need.
  @Test func fitsTheModel() throws { #expect(try Self.plan().neededBytes < 200_000_000) }

  /// Without a limit a quarter of what the host has left goes to insides, the last layers' first, and 128 MiB at most.
  @Test func keepsWhatHasRoom() throws {
    let all = try Self.plan(sequences: 8, recompute: .never)
    #expect(all.keptLayers == 6 && all.boundaryBudget == nil)
    let insides = all.account[.insidesKept]
    #expect(insides < 1 << 27)
    #expect(try Self.plan(sequences: 8, recompute: .always, available: .max).keptLayers == 0)
    for (available, kept) in [(0, 0), (4 * insides / 6 - 1, 0), (2 * insides, 3), (4 * insides, 6), (.max, 6)] {
      let plan = try Self.plan(sequences: 8, recompute: .auto, available: available)
      #expect(plan.keptLayers == kept)
      #expect(plan.account[.insidesKept] == insides / 6 * kept)
    }
    let many = try Self.plan(sequences: 64, recompute: .auto, available: .max)
    #expect((1..<6).contains(many.keptLayers) && many.account[.insidesKept] <= 1 << 27)
  }

  /// Under a limit insides go first, then boundaries, then the run.
  @Test func limits() throws {
    let all = try Self.plan(recompute: .never).account.total
    let none = try Self.plan(recompute: .always)
    #expect(all > none.account.total)
    for limit in stride(from: none.neededBytes, through: all, by: 1_000_000) + [all] {
      let plan = try Self.plan(recompute: .auto, limit: limit)
      try plan.requireRoom()
      #expect(plan.account.total <= limit)
      let budget = try #require(plan.boundaryBudget)
      #expect(plan.keptLayers == 0 || plan.account[.boundaries] == budget, "nothing is spilled for an inside")
      #expect(limit < none.account.total || budget >= (6 - plan.keptLayers) * none.account[.streams])
      if limit == all { #expect(plan.keptLayers == 6) }
    }
    #expect(try Self.plan(limit: none.neededBytes).boundaryBudget == 0)
    #expect(try Self.plan(limit: none.neededBytes + 1000).boundaryBudget == 1000)
  }

  /// The refusal names a size that is enough, for the rank that needs most.
  @Test(arguments: RecomputeChoice.allCases) func refusal(recompute: RecomputeChoice) throws {
    let needed = try Self.plan(recompute: recompute).neededBytes
    let plan = try Self.plan(recompute: recompute, limit: needed - 1)
    let error = try #require(throws: MemoryLimitError.self) { try plan.requireRoom() }
    #expect(error.needed.bytes >= needed && error.needed.bytes < needed + 1_000_000)
    try Self.plan(recompute: recompute, limit: error.needed.bytes).requireRoom()
    #expect(error.description.contains("resources.memory-limit: \(needed - 1) per rank is too little"))
    #expect(error.description.contains("about \(error.needed) is needed; raise it"))
    #expect(ByteSize("\(error.needed)") == error.needed)
    let most = #expect(throws: MemoryLimitError.self) { try plan.requireRoom(neededAnywhere: 2 * needed) }
    #expect((most?.needed.bytes ?? 0) >= 2 * needed)
  }

  /// What is multiplied as a mapped file has it is not copied; activations are rounded instead.
  @Test func bfloat16() throws {
    let model = try Model(path: Fixtures.model("tiny-llama-bf16"))
    let batches = [TokenBatch(nextTokenOf: [Array(repeating: 1, count: 64)])]
    let plans = [false, true].map {
      MemoryPlan(
        model, MemoryPlan.Workload(batches, objective: .loss), weights: WeightResidence(owner: nil, usesBFloat16: $0),
        recompute: .always, limit: nil, available: 0
      ).account
    }
    #expect(plans[0][.roundedFactors] == 0 && plans[1][.roundedFactors] > 64 * model.blueprint.hiddenSize * 4)
    #expect(plans[1][.layerWeights] < plans[0][.layerWeights] / 10)
    #expect(plans[0][.head] - plans[1][.head] >= model.blueprint.vocabularySize * model.blueprint.hiddenSize * 4)
    #expect(plans[0][.weightGradients] == plans[1][.weightGradients])
  }
}
