internal import Tensors
import Architectures
import Blueprints
import Compute
import LayerStreaming
import ModelTestSupport
import Safetensors
import TestSupport
import Testing
import Transformers

/// A real model's logits, loss and gradients against PyTorch's, where scripts/fetch-smollm2 has built it.
@Suite(.serialized, .enabled(if: Fixtures.smolLM2 != nil)) struct SmolLM2ParityTests {
  /// Made by Tests/Fixtures/golden/reduce.py: logits are of the first 4096 vocabulary entries.
  private static let golden = Result { try Fixtures.golden("smollm2-135m-reduced") }

  @Test func logitsAndLosses() throws {
    let golden = try Self.golden.get()
    let model = try Model(path: try #require(Fixtures.smolLM2))
    let backend = TestedBackend.cpu.make()
    let batch = TokenBatch(nextTokenOf: try golden.sequences())
    try ForwardPass(blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model))
      .run([batch]) { _, stream, head in
        let losses = try head.negativeLogLikelihoods(stream, batch: batch)
        #expect(largestDifference(Array(losses.prefix(127)), try golden.tensor("token_nll").floats()) < 1e-4)
        let loss = losses.reduce(0) { $0 + Double($1) } / 127
        #expect(abs(Float(loss) - (try golden.tensor("loss").floats())[0]) < 1e-5)
        let logits = try head.logits(stream)
        for (name, rows) in [("logits.first4", 0..<4), ("logits.last4", 124..<128)] {
          let expected = try golden.tensor(name)
          let own = backend.floats(logits.rows(rows).columns(0..<expected.shape.dimensions[1]))
          #expect(largestDifference(own, try expected.floats()) < 1e-4, "\(name)")
        }
      }
  }

  /// PyTorch takes the loss of float32 logits, and that rounding alone moves gradients: against a float64 loss the golden
  /// values are off by up to 1.6e-4 (embedding) and 1.4e-4 (norms), where these backends are nearer to it than they are.
  @Test func gradients() throws {
    let golden = try Self.golden.get()
    let gradients = try self.gradients(of: try golden.sequences(), .cpu)
    let norms = golden.names.filter { $0.hasPrefix("gradnorm.") }
    #expect(norms.count == gradients.norms.count)
    for name in norms {
      let expected = try golden.tensor(name).floats()[0]
      let norm = gradients.norms[String(name.dropFirst(9))] ?? .nan
      #expect(abs(norm - expected) < 2e-4 * expected, "\(name): \(norm), not \(expected)")
    }
    for name in golden.names where name.hasPrefix("grad.") {
      let error = relativeError(gradients.layer15[String(name.dropFirst(5))] ?? [], try golden.tensor(name).floats())
      #expect(error < 2e-4, "\(name): relative error \(error)")
    }
  }

  /// Plain loops over 128 tokens would take minutes; 8 tokens take both backends through the same arithmetic.
  @Test func backendsAgree() throws {
    let prefix = try Self.golden.get().sequences().map { Array($0.prefix(8)) }
    let cpu = try gradients(of: prefix, .cpu)
    let reference = try gradients(of: prefix, .reference)
    #expect(abs(cpu.loss - reference.loss) < 1e-5)
    for (name, expected) in reference.norms {
      let norm = cpu.norms[name] ?? .nan
      #expect(abs(norm - expected) < 1e-4 * expected, "\(name): \(norm), not \(expected)")
    }
    for (name, expected) in reference.layer15 {
      let error = relativeError(cpu.layer15[name] ?? [], expected)
      #expect(error < 1e-4, "\(name): relative error \(error)")
    }
  }

  /// Norms of every parameter's gradient, and layer 15's gradients, by the checkpoint's names.
  private struct Gradients {
    var loss = 0.0
    var norms: [String: Float] = [:]
    var layer15: [String: [Float]] = [:]
  }

  private func gradients(of sequences: [[Int32]], _ tested: TestedBackend) throws -> Gradients {
    let model = try Model(path: try #require(Fixtures.smolLM2))
    let backend = tested.make()
    let batches = [TokenBatch(nextTokenOf: sequences)]
    let boundaries = try BoundaryStore(
      layers: model.blueprint.layers.count, batches: batches, hiddenSize: model.blueprint.hiddenSize,
      backend: backend, memoryBudget: nil, spillFolder: "/tmp")
    var result = Gradients()
    // The tied matrix has two roles, whose gradients add up.
    var table: [Float] = []
    result.loss = try GradientPass(blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model)).run(
      batches, objective: .loss, scope: GradientPass.Scope(sequences: 1, targets: batches[0].targetCount),
      wants: GradientPass.Wants(layerParts: Set(TensorPart.allCases), embeddingAndHead: true), boundaries: boundaries
    ) { gradients, _, _ in
      for role in gradients.roles {
        guard let matrix = gradients[role] else { continue }
        var values = backend.floats(matrix)
        if role.part == .tokenEmbedding || role.part == .headWeight {
          if !table.isEmpty { values = zip(values, table).map { $0 + $1 } }
          table = values
        }
        result.norms[model.name(of: role)] = values.norm
        if role.group == .layer(15) { result.layer15[model.name(of: role)] = values }
      }
    }
    return result
  }
}
