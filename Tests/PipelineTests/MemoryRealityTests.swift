internal import Tensors
internal import Artifacts
import Architectures
import CPUCompute
import Checkpoints
import Communication
import Compute
import LayerStreaming
import ModelTestSupport
import Pipeline
import Saliency
import Testing
import Transformers

/// What scoring really takes of the backend's memory, beside what was planned.
@Suite struct MemoryRealityTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var objective = Objective.maximumLogit
    var accumulation = ScoringSettings.Accumulation.signed
    var kept = 0
    var isGated = false
    var vocabulary = 256
    var usesBFloat16 = false
    var testDescription: String {
      "\(objective), \(accumulation), \(kept) kept, vocabulary \(vocabulary)\(isGated ? ", gates" : "")"
        + (usesBFloat16 ? ", bf16" : "")
    }
  }

  static var cases: [Case] {
    let all = [
      Case(), Case(objective: .loss), Case(kept: 2), Case(kept: 4), Case(objective: .loss, kept: 4),
      Case(accumulation: .absolute), Case(accumulation: .absolute, kept: 4), Case(isGated: true),
      Case(kept: 4, isGated: true), Case(objective: .loss, vocabulary: 4096), Case(vocabulary: 4096),
    ]
    let rounded = all.map { original in
      var copy = original
      copy.usesBFloat16 = true
      return copy
    }
    return all + (CPUBackend.supportsBFloat16 ? rounded : [])
  }

  static let configuration: [String: JSONValue] = [
    "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "intermediate_size": 384,
  ]

  /// Never more than planned, and not so much less that limits would refuse what fits.
  @Test(arguments: cases) func planned(_ tried: Case) throws {
    let checkpoint = try RandomCheckpoint(
      Self.configuration.merging(["vocab_size": .integer(Int64(tried.vocabulary))]) { $1 },
      elementType: tried.usesBFloat16 ? .bfloat16 : .float32)
    let model = try Model(path: checkpoint.path)
    let sequences = randomSequences(
      lengths: Array(repeating: 64, count: 24), vocabularySize: tried.vocabulary, seed: 2)
    let batches =
      tried.accumulation == .absolute
      ? sequences.map { TokenBatch(nextTokenOf: [$0]) } : TokenBatch.split(sequences, tokens: 512)
    let plan = MemoryPlan(
      model, MemoryPlan.Workload(batches, objective: tried.objective, isGated: tried.isGated),
      weights: WeightResidence(owner: nil, usesBFloat16: tried.usesBFloat16),
      recompute: tried.kept == 0 ? .always : tried.kept == 4 ? .never : .auto, limit: nil,
      available: tried.kept == 2 ? Self.roomForHalf(model, batches) : 0)
    #expect(plan.keptLayers == tried.kept)

    let backend = CPUBackend(threads: 1, usesBFloat16: tried.usesBFloat16)
    let boundaries = try BoundaryStore(
      layers: 4 - plan.keptLayers, batches: batches, hiddenSize: 128, backend: backend, memoryBudget: nil,
      spillFolder: "/tmp")
    let gates: ModelGates = Array(repeating: [0: [0.5, 1], 1: Array(repeating: 0.5, count: 384)], count: 4)
    _ = try Scorer(blueprint: model.blueprint, backend: backend, communicator: SoloCommunicator()).score(
      batches, settings: ScoringSettings(objective: tried.objective, accumulation: tried.accumulation),
      scope: GradientPass.Scope(sequences: 24, targets: 24 * 63), source: MappedLayerSource(model),
      boundaries: boundaries, gates: tried.isGated ? gates : nil)
    let peak = backend.takePeakBytes()
    let planned = plan.account.backendBytes
    #expect(peak <= planned, "\(peak) bytes were taken, \(planned) planned: \(plan.account)")
    #expect(Double(planned) <= 1.5 * Double(peak), "\(peak) bytes were taken, \(planned) planned: \(plan.account)")
    withExtendedLifetime(checkpoint.folder) {}
  }

  private static func roomForHalf(_ model: Model, _ batches: [TokenBatch]) -> Int {
    let all = MemoryPlan(
      model, MemoryPlan.Workload(batches, objective: .maximumLogit),
      weights: WeightResidence(owner: nil, usesBFloat16: false), recompute: .never, limit: nil, available: 0)
    return 2 * all.account[.insidesKept]
  }
}
