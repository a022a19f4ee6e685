internal import Compute
import Architectures
import Blueprints
import LayerStreaming
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Finite weights whose activations go beyond float32: every pass names the place where they do, and goes no further.
@Suite struct OverflowTests {
  /// Two layers whose weights in one place are so large that their products overflow.
  private static func source(_ model: Model, _ role: TensorRole) throws -> MemoryLayerSource {
    let source = try MemoryLayerSource(model)
    source.values[role] = source.values[role]?.map { $0 < 0 ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude }
    return source
  }

  private static let sequences = randomSequences(lengths: [9, 5], vocabularySize: 64, seed: 3)

  /// The weights that are made large, and the place whose output is the first that is none.
  static let places: [(role: TensorRole, group: WeightGroup)] = [
    (TensorRole(.layer(1), sublayer: 1, .downWeight), .layer(1)),
    (TensorRole(.layer(0), sublayer: 0, .outputWeight), .layer(0)),
    (TensorRole(.layer(0), sublayer: 1, .gateWeight), .layer(0)), (TensorRole(.head, .headWeight), .head),
  ]

  private static func expect(_ group: WeightGroup, _ body: () throws -> Void) {
    let error = #expect(throws: Overflow.self) { try body() }
    #expect(error?.group == group)
  }

  @Test(arguments: TestedBackend.allCases, places)
  func everyPassNamesThePlace(tested: TestedBackend, place: (role: TensorRole, group: WeightGroup)) throws {
    let (model, backend) = (try RandomCheckpoint.shared, tested.make())
    let source = try Self.source(model, place.role)
    let batches = Self.sequences.map { TokenBatch(nextTokenOf: [$0]) }
    Self.expect(place.group) {
      try ForwardPass(blueprint: model.blueprint, backend: backend, source: source).run(batches) {
        number, stream, head in
        _ = try head.negativeLogLikelihoods(stream, batch: batches[number])
      }
    }
    Self.expect(place.group) {
      try ForwardPass(blueprint: model.blueprint, backend: backend, source: source)
        .run(batches, variants: [nil, nil]) { _, streams, head in
          _ = try head.divergences(of: [streams[1]], from: streams[0])
        }
    }
    for objective in Objective.allCases {
      let boundaries = try BoundaryStore(
        layers: 2, batches: batches, hiddenSize: 32, backend: backend, memoryBudget: nil, spillFolder: "/tmp")
      Self.expect(place.group) {
        _ = try GradientPass(blueprint: model.blueprint, backend: backend, source: source).run(
          batches, objective: objective, scope: .init(sequences: 2, targets: 12),
          wants: .init(layerParts: [.downWeight]), boundaries: boundaries
        ) { _, _, _ in Issue.record("a gradient of what is no number") }
      }
    }
    func weights() -> WidenedWeights {
      WidenedWeights(blueprint: model.blueprint, backend: backend, source: source, isKeeping: true)
    }
    for objective in [TrainingLoss.crossEntropy, .divergence(temperature: 2)] {
      Self.expect(place.group) {
        _ = try TrainingPass(weights()).run(
          batches, objective: objective, targets: 12, student: .init(), keepsActivations: true)
      }
    }
    // The head's logits are looked at by whoever draws from them.
    guard place.group != .head else { return }
    Self.expect(place.group) {
      _ = try GenerationPass(weights()).run([[1, 2]], promptLength: 2, length: 4) { _, _, _ in
        Issue.record("a token drawn from what is no number")
        return 0
      }
    }
  }

  @Test func theTeacherIsNamed() throws {
    let (model, backend) = (try RandomCheckpoint.shared, TestedBackend.cpu.make())
    func weights(_ source: any LayerSource) -> WidenedWeights {
      WidenedWeights(blueprint: model.blueprint, backend: backend, source: source, isKeeping: true)
    }
    let teacher = weights(try Self.source(model, Self.places[0].role))
    let error = #expect(throws: Overflow.self) {
      try TrainingPass(weights(MappedLayerSource(model))).run(
        Self.sequences.map { TokenBatch(nextTokenOf: [$0]) }, objective: .divergence(temperature: 1),
        teacher: .model(teacher), targets: 12, student: .init(), keepsActivations: true)
    }
    #expect(
      error?.description
        == "the teacher: the output of layer 1 is infinite or NaN though every weight is a finite number; it overflows by "
        + "itself: get it again, or name another (recovery.teacher)")
  }

  /// One line, with what to do; a plan's pass advises otherwise than the model's own.
  @Test func saysWhatToDo() {
    #expect(
      Overflow(.layer(3), .model).description
        == "the output of layer 3 is infinite or NaN though every weight is a finite number; the model overflows by itself: "
        + "get it again, or check that its config.json belongs to it")
    #expect(Overflow(.head, .plan).description.hasPrefix("the logits are infinite or NaN though"))
    #expect(Overflow(.head, .plan).description.hasSuffix("lower allocation.sparsity, or score it again"))
    let groups: [WeightGroup] = [.embedding, .layer(0), .layer(7), .encoderEnd, .head]
    let orders = groups.map { Overflow($0, .model).order }
    #expect(orders == orders.sorted() && Set(orders).count == groups.count)
  }

  /// Large is not infinite: the largest hidden states that there are.
  @Test(arguments: TestedBackend.allCases) func isFinite(tested: TestedBackend) throws {
    let backend = tested.make()
    let matrix = try backend.makeMatrix(3, 40, values: Array(repeating: .greatestFiniteMagnitude, count: 120))
    #expect(backend.isFinite(matrix))
    for (index, value) in [(0, Float.nan), (79, .infinity), (119, -.infinity)] {
      var values = [Float](repeating: 1, count: 120)
      values[index] = value
      let poisoned = try backend.makeMatrix(3, 40, values: values)
      #expect(!backend.isFinite(poisoned))
      // A view of the rest.
      #expect(backend.isFinite(poisoned.columns(1..<39)))
    }
    #expect(backend.isFinite(try backend.makeMatrix(0, 4)))
  }
}
