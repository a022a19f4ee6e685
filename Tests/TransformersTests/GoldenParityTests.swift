internal import Tensors
internal import Safetensors
import Architectures
import Blueprints
import Compute
import LayerStreaming
import TestSupport
import Testing
import Transformers

/// Logits, losses and every parameter's gradient against PyTorch's.
@Suite struct GoldenParityTests {
  static let models = ["tiny-llama", "tiny-llama-sharded", "tiny-llama-tied", "tiny-llama-bf16", "tiny-llama3"]

  @Test(arguments: models, TestedBackend.allCases)
  func logits(model name: String, backend tested: TestedBackend) throws {
    let run = try GoldenRun(name, tested)
    var logits: [Float] = []
    try ForwardPass(blueprint: run.model.blueprint, backend: run.backend, source: MappedLayerSource(run.model))
      .run(run.batches) { _, stream, head in logits += run.backend.floats(try head.logits(stream)) }
    #expect(largestDifference(logits, try run.floats("logits")) < 1e-4)
  }

  @Test(arguments: models, TestedBackend.allCases)
  func lossAndGradients(model name: String, backend tested: TestedBackend) throws {
    let run = try GoldenRun(name, tested)
    var gradients: [String: [Float]] = [:]
    let value = try run.gradientPass(objective: .loss) { role, values in
      gradients[run.model.name(of: role), default: Array(repeating: 0, count: values.count)].add(values)
    }
    #expect(abs(Float(value) - (try run.floats("loss"))[0]) < 1e-5)
    let names = run.golden.names.filter { $0.hasPrefix("grad.") }
    #expect(Set(names) == Set(gradients.keys.map { "grad." + $0 }))
    for name in names {
      let error = relativeError(gradients[String(name.dropFirst(5))] ?? [], try run.floats(name))
      #expect(error < 1e-4, "\(name): relative error \(error)")
    }
  }

  /// Right padding changes nothing before it: shorter sequences in one batch give what PyTorch computes with a mask.
  @Test(arguments: TestedBackend.allCases)
  func rightPadding(backend tested: TestedBackend) throws {
    let run = try GoldenRun("tiny-llama", tested)
    let mask = try run.golden.tensor("mask.attention_mask").integers()
    let sequences = run.sequences.enumerated().map { index, ids in
      Array(ids.prefix(mask[(index * ids.count)..<((index + 1) * ids.count)].reduce(0, +)))
    }
    let expected = try run.floats("mask.logits")
    let vocabulary = run.model.blueprint.vocabularySize
    let batch = TokenBatch(nextTokenOf: sequences)
    try ForwardPass(blueprint: run.model.blueprint, backend: run.backend, source: MappedLayerSource(run.model))
      .run([batch]) { _, stream, head in
        let logits = run.backend.floats(try head.logits(stream))
        for (index, sequence) in sequences.enumerated() {
          let start = index * run.sequences[index].count * vocabulary
          let own = batch.layout.rows(of: index).lowerBound * vocabulary
          let count = sequence.count * vocabulary
          #expect(
            largestDifference(Array(logits[own..<own + count]), Array(expected[start..<start + count])) < 1e-4)
        }
      }
    #expect(sequences[1].count < run.sequences[1].count)
  }

  /// The way in which sequences are gathered into batches changes no gradient.
  @Test func batchesDoNotMatter() throws {
    let run = try GoldenRun("tiny-llama", .cpu)
    var separate: [TensorRole: [Float]] = [:]
    var together: [TensorRole: [Float]] = [:]
    let a = try run.gradientPass(objective: .maximumLogit) { separate[$0] = $1 }
    let joined = [TokenBatch(nextTokenOf: run.sequences)]
    let b = try run.gradientPass(objective: .maximumLogit, batches: joined) { together[$0] = $1 }
    #expect(abs(a - b) < 1e-6)
    for (role, values) in separate { #expect(relativeError(together[role] ?? [], values) < 1e-5, "\(role)") }
    #expect(separate.count > 30)
  }
}

extension [Float] {
  fileprivate mutating func add(_ other: [Float]) { for i in indices { self[i] += other[i] } }
}
