import Architectures
import Blueprints
import Compute
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Writing token by token, with keys and values kept, against passes over whole sequences.
@Suite struct GenerationPassTests {
  /// Every position's logits are those of PyTorch over the whole sequence, however much of it is the prompt.
  @Test(arguments: GoldenParityTests.models, TestedBackend.allCases)
  func goldenLogits(model name: String, backend tested: TestedBackend) throws {
    let golden = try GoldenRun(name, tested)
    let run = GenerationRun(golden.model, backend: golden.backend)
    let expected = try golden.floats("logits")
    let (length, vocabulary) = (golden.sequences[0].count, golden.model.blueprint.vocabularySize)
    for promptLength in [1, length / 2] {
      let written = try run.write(
        golden.sequences.map { Array($0.prefix(promptLength)) }, length: length, given: golden.sequences)
      #expect(written.sequences == golden.sequences)
      for (sequence, logits) in written.logits.enumerated() {
        let first = (sequence * length + promptLength - 1) * vocabulary
        let end = ((sequence + 1) * length - 1) * vocabulary
        #expect(largestDifference(logits.flatMap { $0 }, Array(expected[first..<end])) < 1e-4)
      }
    }
  }

  /// Layers without a sublayer, and windows that a sequence fills.
  enum Variant: CaseIterable, Sendable {
    case dense, window, wideWindow, absentSublayers, absentLayer
  }

  /// Each token is the likeliest of the whole sequence's forward pass; projections have biases, heads are grouped.
  @Test(arguments: Variant.allCases, TestedBackend.allCases)
  func greedyTokens(variant: Variant, backend tested: TestedBackend) throws {
    let run = try Self.run(variant, tested.make())
    let prompts = randomSequences(lengths: [4, 4, 4], vocabularySize: 64, seed: 11)
    let written = try run.write(prompts, length: 14)
    let whole = try run.forward(written.sequences)
    for (index, sequence) in written.sequences.enumerated() {
      #expect(sequence.count == 14 && Array(sequence.prefix(4)) == prompts[index])
      for position in 4..<14 {
        let expected = whole[index][position - 1]
        #expect(largestDifference(written.logits[index][position - 4], expected) < 1e-4)
        #expect(sequence[position] == GenerationRun.argmax(expected))
      }
    }
    #expect(Set(written.sequences.flatMap { $0.dropFirst(4) }).count > 4, "no model that repeats one token")
  }

  /// What a sequence becomes does not depend on those beside it.
  @Test(arguments: TestedBackend.allCases) func sequencesAreAlone(_ tested: TestedBackend) throws {
    let run = GenerationRun(try RandomCheckpoint.shared, backend: tested.make())
    let prompts = randomSequences(lengths: [3, 3, 3, 3, 3], vocabularySize: 64, seed: 12)
    let together = try run.write(prompts, length: 20)
    for (index, prompt) in prompts.enumerated() {
      let alone = try run.write([prompt], length: 20)
      #expect(alone.sequences[0] == together.sequences[index])
      #expect(largestDifference(alone.logits[0].flatMap { $0 }, together.logits[index].flatMap { $0 }) < 1e-4)
    }
  }

  /// Products with bf16 weights round the same activations as in a forward pass.
  @Test(.enabled(if: TestedBackend.makeBFloat16() != nil)) func bfloat16() throws {
    let backend = try #require(TestedBackend.makeBFloat16())
    let run = GenerationRun(try Model(path: Fixtures.model("tiny-llama-bf16")), backend: backend)
    let sequences = randomSequences(lengths: [12, 12, 12], vocabularySize: run.blueprint.vocabularySize, seed: 13)
    let written = try run.write(sequences.map { [$0[0]] }, length: 12, given: sequences)
    for (logits, whole) in zip(written.logits, try run.forward(sequences)) {
      #expect(relativeError(logits.flatMap { $0 }, whole.dropLast().flatMap { $0 }) < 1e-2)
    }
  }

  /// Bytes of keys and values in float32; a layer without attention has none.
  @Test func cacheBytes() throws {
    let dense = try Self.run(.dense, TestedBackend.reference.make()).blueprint
    #expect(GenerationPass.cacheBytesPerToken(dense) == 2 * 2 * (2 * 8) * 4)
    let pruned = try Self.run(.absentLayer, TestedBackend.reference.make()).blueprint
    #expect(GenerationPass.cacheBytesPerToken(pruned) == 2 * (2 * 8) * 4)
  }

  private static func run(_ variant: Variant, _ backend: any ComputeBackend) throws -> GenerationRun {
    let model = try RandomCheckpoint.shared
    var blueprint = model.blueprint
    for layer in blueprint.stacks[0].layers.indices {
      let sublayers = blueprint.stacks[0].layers[layer].sublayers
      guard case .attention(var attention) = sublayers[0].kind, case .mlp(var mlp) = sublayers[1].kind else { continue }
      switch (variant, layer) {
      case (.window, _): attention.mask = .slidingWindow(3)
      case (.wideWindow, _): attention.mask = .slidingWindow(14)
      case (.absentSublayers, 0): mlp.width = 0
      case (.absentSublayers, _), (.absentLayer, 1...): (attention.queryHeads, attention.keyValueHeads) = (0, 0)
      default: break
      }
      if case (.absentLayer, 1...) = (variant, layer) { mlp.width = 0 }
      blueprint.stacks[0].layers[layer].sublayers[0].kind = .attention(attention)
      blueprint.stacks[0].layers[layer].sublayers[1].kind = .mlp(mlp)
    }
    return GenerationRun(blueprint, backend: backend) { try MemoryLayerSource(model) }
  }
}
