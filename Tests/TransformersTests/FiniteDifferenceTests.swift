import Architectures
import Blueprints
import Compute
import LayerStreaming
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// The gradient of the whole model, biases and gates included, against differences of the objective.
@Suite struct FiniteDifferenceTests {
  /// Random factors of every unit, one of them 0.
  static let gates: ModelGates = (0..<2).map { layer in
    var generator = SeededGenerator(seed: UInt64(layer) + 40)
    var mlp = (0..<24).map { _ in Float.random(in: 0.2...1.5, using: &generator) }
    mlp[3] = 0
    return [0: (0..<2).map { _ in Float.random(in: 0.2...1.5, using: &generator) }, 1: mlp]
  }

  @Test(arguments: TestedBackend.allCases, [false, true]) func everyTensor(backend: TestedBackend, gated: Bool) throws {
    let probe = try GradientProbe(try RandomCheckpoint.model(), backend, gates: gated ? Self.gates : nil)
    let gradients = try probe.gradients(.loss)
    #expect(gradients.count == 35)
    for (role, gradient) in gradients {
      let norm = gradient.norm
      // Along itself a gradient's slope is its norm; along a random direction, the inner product.
      let along = try probe.slope(.loss, [role: gradient.map { $0 / norm }])
      #expect(abs(along - Double(norm)) < 5e-3 * Double(norm) + 1e-5, "\(role): \(along) and \(norm)")
      let direction = Self.direction(count: gradient.count, seed: UInt64(gradient.count))
      let slope = try probe.slope(.loss, [role: direction])
      let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(slope - expected) < 5e-3 * Double(norm) + 1e-5, "\(role): \(slope) and \(expected)")
    }
  }

  /// All tensors at once; of max-logit too, whose maxima do not move over so short a way.
  @Test(arguments: Objective.allCases, [1, 2, 3] as [UInt64])
  func wholeModel(objective: Objective, seed: UInt64) throws {
    let probe = try GradientProbe(try RandomCheckpoint.model(seed: seed), .cpu, gates: nil)
    let gradients = try probe.gradients(objective)
    let whole = gradients.values.reduce(0) { $0 + Double($1.norm) * Double($1.norm) }.squareRoot()
    var directions: [TensorRole: [Float]] = [:]
    var expected = 0.0
    for (role, gradient) in gradients.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      let random = Self.direction(count: gradient.count, seed: seed + UInt64(directions.count))
      let direction = zip(gradient, random).map { $0 / Float(whole) + 0.2 * $1 }
      directions[role] = direction
      expected += zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }
    let slope = try probe.slope(objective, directions, step: 1e-3)
    #expect(abs(slope - expected) < 1e-2 * whole, "\(slope) and \(expected)")
  }

  /// Normed to length 1.
  private static func direction(count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    let values = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    let norm = values.norm
    return values.map { $0 / norm }
  }
}

/// A model whose weights can be moved, and its objective over three sequences in two batches.
struct GradientProbe {
  let model: Model
  let source: MemoryLayerSource
  let backend: any ComputeBackend
  let gates: ModelGates?
  private let sequences = randomSequences(lengths: [9, 6, 7], vocabularySize: 64, seed: 5)

  init(_ model: Model, _ tested: TestedBackend, gates: ModelGates?) throws {
    self.model = model
    source = try MemoryLayerSource(model)
    backend = tested.make()
    self.gates = gates
  }

  /// The gradients of every role, in the objective's own scale.
  func gradients(_ objective: Objective) throws -> [TensorRole: [Float]] {
    var gradients: [TensorRole: [Float]] = [:]
    _ = try run(objective) { gradients[$0] = $1 }
    return gradients
  }

  /// The objective itself.
  func value(_ objective: Objective) throws -> Double { try run(objective) { _, _ in } }

  /// (f(w + step · direction) − f(w − step · direction)) / (2 · step).
  func slope(_ objective: Objective, _ directions: [TensorRole: [Float]], step: Float = 4e-3) throws -> Double {
    let values = source.values
    defer { source.values = values }
    let ends = try [step, -step].map { step in
      source.values = values
      for (role, direction) in directions {
        source.values[role] = zip(values[role] ?? [], direction).map { $0 + step * $1 }
      }
      return try run(objective) { _, _ in }
    }
    return (ends[0] - ends[1]) / Double(2 * step)
  }

  private func run(_ objective: Objective, visit: (TensorRole, [Float]) -> Void) throws -> Double {
    let batches = [TokenBatch(nextTokenOf: [sequences[0]]), TokenBatch(nextTokenOf: Array(sequences[1...]))]
    let boundaries = try BoundaryStore(
      layers: model.blueprint.layers.count, batches: batches, hiddenSize: model.blueprint.hiddenSize,
      backend: backend, memoryBudget: nil, spillFolder: "/tmp")
    return try GradientPass(blueprint: model.blueprint, backend: backend, source: source).run(
      batches, objective: objective,
      scope: GradientPass.Scope(sequences: 3, targets: batches.reduce(0) { $0 + $1.targetCount }),
      wants: GradientPass.Wants(layerParts: Set(TensorPart.allCases), embeddingAndHead: true), boundaries: boundaries,
      gates: gates
    ) { gradients, _, _ in
      for role in gradients.roles { if let matrix = gradients[role] { visit(role, backend.floats(matrix)) } }
    }
  }
}

extension [Float] {
  /// The Euclidean norm.
  var norm: Float { Float(reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()) }
}
