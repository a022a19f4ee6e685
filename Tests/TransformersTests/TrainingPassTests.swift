import Architectures
import Blueprints
import Compute
import Glibc
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Gradients of gates' factors and of low-rank adapters, against differences of the objective.
@Suite struct TrainingPassTests {
  static let objectives: [TrainingLoss] = [
    .crossEntropy, .divergence(temperature: 1), .divergence(temperature: 2.5),
  ]

  @Test(arguments: TestedBackend.allCases, objectives)
  func gateGradients(backend: TestedBackend, objective: TrainingLoss) throws {
    let probe = try TrainingProbe(backend, objective: objective)
    let gradients = try probe.run().gateGradients
    for layer in 0..<2 {
      for (sublayer, gradient) in gradients[layer] {
        // Along itself a gradient's slope is its norm.
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let along = try probe.slope(step: 0.05) { student, step in
          for unit in gradient.indices { student.gates?[layer][sublayer]?[unit] += step * Float(gradient[unit] / norm) }
        }
        #expect(abs(along - norm) < 5e-3 * norm + 1e-5, "\(layer) \(sublayer): \(along) and \(norm)")
        for unit in stride(from: 0, to: gradient.count, by: 5) {
          let slope = try probe.slope(step: 0.04) { $0.gates?[layer][sublayer]?[unit] += $1 }
          #expect(abs(slope - gradient[unit]) < 1e-2 * norm + 1e-5, "\(layer) \(sublayer) \(unit)")
        }
      }
    }
    // The closed unit has one too: it is what can open it again.
    #expect(gradients[0][1]?[3] != 0)
  }

  @Test(arguments: TestedBackend.allCases, [0, 0.3] as [Float])
  func adapterGradients(backend: TestedBackend, dropout: Float) throws {
    let probe = try TrainingProbe(backend, objective: .divergence(temperature: 1), rank: 2, dropout: dropout)
    _ = try probe.run()
    // Every run adds to the gradients, so they are read after the first.
    let gradients = probe.student.adapters.flatMap { role, adapter in
      [(adapter.a, adapter.aGradient), (adapter.b, adapter.bGradient)].map { (role, $0, probe.backend.floats($1)) }
    }
    #expect(gradients.count == 2 * 2 * 7)
    for (role, matrix, gradient) in gradients {
      do {
        let norm = gradient.norm
        #expect(norm > 0, "\(role)")
        let slope = try probe.slope { _, step in
          let values = zip(probe.backend.floats(matrix), gradient).map { $0 + step * $1 / norm }
          probe.backend.write(values.span, into: matrix)
        }
        #expect(abs(slope - Double(norm)) < 1e-2 * Double(norm) + 1e-5, "\(role): \(slope) and \(norm)")
      }
    }
  }

  /// With activations kept or computed again, weights kept or loaded again: the same numbers.
  @Test(arguments: TestedBackend.allCases) func memoryChangesNothing(backend: TestedBackend) throws {
    let probe = try TrainingProbe(backend, objective: .divergence(temperature: 1), rank: 2, dropout: 0.2)
    let first = try probe.run(keepsActivations: true)
    let again = try probe.run(keepsActivations: false)
    let reloaded = try TrainingProbe(
      backend, objective: .divergence(temperature: 1), rank: 2, dropout: 0.2, isKeeping: false
    ).run()
    #expect(first.value == again.value && first.value == reloaded.value)
    #expect(first.gateGradients == again.gateGradients && first.gateGradients == reloaded.gateGradients)
  }

  /// A student without gates and adapters is its teacher, in the same model or in another of the same weights.
  @Test(arguments: TestedBackend.allCases) func noDivergenceFromItself(backend: TestedBackend) throws {
    let probe = try TrainingProbe(backend, objective: .divergence(temperature: 1))
    probe.student.gates = nil
    #expect(abs(try probe.run().value) < 1e-6)
    let other = WidenedWeights(
      blueprint: probe.model.blueprint, backend: probe.backend, source: try MemoryLayerSource(probe.model),
      isKeeping: false)
    #expect(abs(try probe.run(teacher: .model(other)).value) < 1e-6)
    probe.student.gates = FiniteDifferenceTests.gates
    let (beside, separate) = (try probe.run().value, try probe.run(teacher: .model(other)).value)
    #expect(beside > 1e-4)
    #expect(abs(beside - separate) < 1e-6)
  }

  /// The loss is the one that scoring differentiates.
  @Test(arguments: TestedBackend.allCases) func lossIsTheScoringLoss(backend: TestedBackend) throws {
    let probe = try TrainingProbe(backend, objective: .crossEntropy)
    let other = try GradientProbe(probe.model, backend, gates: FiniteDifferenceTests.gates)
    #expect(abs(try probe.run().value - other.value(.loss)) < 1e-6)
  }
}

/// A small model with gates and adapters, and its objective over three sequences in two batches.
private final class TrainingProbe {
  let model: Model
  let backend: any ComputeBackend
  var student: TrainingPass.Student
  private let objective: TrainingLoss
  private let batches: [TokenBatch]
  private let weights: WidenedWeights

  init(
    _ tested: TestedBackend, objective: TrainingLoss, rank: Int = 0, dropout: Float = 0, isKeeping: Bool = true
  ) throws {
    model = try RandomCheckpoint.model()
    let backend = tested.make()
    self.backend = backend
    self.objective = objective
    let sequences = randomSequences(lengths: [9, 6, 7], vocabularySize: 64, seed: 5)
    let batches = [
      TokenBatch(nextTokenOf: Array(sequences[..<2])), TokenBatch(nextTokenOf: Array(sequences[2...])),
    ]
    self.batches = batches
    weights = WidenedWeights(
      blueprint: model.blueprint, backend: backend, source: try MemoryLayerSource(model), isKeeping: isKeeping)
    var generator = SeededGenerator(seed: 9)
    func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -0.3...0.3, using: &generator) } }
    var adapters: ModelAdapters = [:]
    for layer in model.blueprint.layers.indices where rank > 0 {
      for tensor in model.blueprint.tensors(of: .layer(layer)) where tensor.shape.count == 2 {
        let adapter = try LowRankAdapter(
          inputs: tensor.shape[1], outputs: tensor.shape[0], rank: rank, scale: 1.5, a: random(rank * tensor.shape[1]),
          backend: backend)
        backend.write(random(adapter.b.count).span, into: adapter.b)
        adapters[tensor.role] = adapter
      }
    }
    student = TrainingPass.Student(
      gates: FiniteDifferenceTests.gates, wantsGateGradients: true, adapters: adapters,
      dropout: { number in
        dropout == 0
          ? nil
          : AdapterDropout(
            probability: dropout, seed: 3, layout: batches[number].layout, sequences: number == 0 ? 0..<2 : 2..<3)
      })
  }

  func run(teacher: Teacher = .ungated, keepsActivations: Bool = true) throws -> TrainingPass.Result {
    try TrainingPass(weights).run(
      batches, objective: objective, teacher: teacher, targets: 19, student: student,
      keepsActivations: keepsActivations)
  }

  /// The central difference of the objective when `move` moves something by ± the step.
  func slope(step: Float = 1e-2, _ move: (inout TrainingPass.Student, Float) throws -> Void) throws -> Double {
    let kept = student
    defer { student = kept }
    try move(&student, step)
    let up = try run().value
    try move(&student, -2 * step)
    let down = try run().value
    try move(&student, step)
    return (up - down) / (2 * Double(step))
  }
}
