import Architectures
import Blueprints
import Pipeline
import TestSupport
import Testing
import Transformers

/// What a scoring pass computes, counted by hand for the demo: 6 layers of width 128 with 8 query and 4 key-value heads of
/// 16 and 384 neurons, and 1,024 tokens in the vocabulary.
@Suite struct ScoringArithmeticTests {
  /// 128 rows or columns of q and o, 64 of k and v, and three times 384: 128 · (2 · 128 + 2 · 64 + 3 · 384).
  static let layerWeights = 196_608.0

  static func count(_ lengths: [Int], _ objective: Objective = .loss, recomputed: Double = 1) throws
    -> ScoringArithmetic
  {
    ScoringArithmetic(
      try Model(path: Fixtures.demoModel).blueprint, lengths: lengths, objective: objective, recomputed: recomputed)
  }

  @Test func eachPart() throws {
    let count = try Self.count([3, 1])
    #expect(count.weights == 2 * 4 * 6 * Self.layerWeights)
    // Three tokens see 1, 2 and 3; one sees itself.
    #expect(count.attention == 6 * 4 * 128 * 7)
    #expect(count.head == 2 * 2 * 4 * 1024 * 128)
    #expect(count.needed == 3 * count.weights + 3 * count.attention + count.head)
    // 8 per weight and token, and 18 per pair and number: 4 + 4 + 10.
    #expect(count.done == 4 * count.weights + 4.5 * count.attention + count.head)
  }

  /// Kept activations cost 6 per weight and token; the scores are computed again all the same.
  @Test func withoutRecomputation() throws {
    let (kept, half) = (try Self.count([5], recomputed: 0), try Self.count([5], recomputed: 0.5))
    #expect(kept.done == kept.needed + kept.attention / 2)
    #expect(half.done - kept.done == (kept.weights + kept.attention) / 2)
  }

  /// Of max-logit one token per sequence and vocabulary entry has a gradient.
  @Test func sparseHead() throws {
    #expect(try Self.count([3, 1], .maximumLogit).head == 2 * 1024 * 128 * (4 + 2))
  }

  /// Twice the sequences cost twice as much; so do twice the layers, the head apart.
  @Test func isLinear() throws {
    let (one, two) = (try Self.count([7]), try Self.count([7, 7]))
    #expect(two.done == 2 * one.done && two.needed == 2 * one.needed)
    let half = ScoringArithmetic(
      try Model(path: Fixtures.demoModel).keepingFirstLayers(3).blueprint, lengths: [7], objective: .loss,
      recomputed: 1)
    #expect(one.done - one.head == 2 * (half.done - half.head) && half.head == one.head)
  }

  @Test func lines() throws {
    let exact = try #require(LinearFit([(1, 5), (2, 7), (4, 11)]))
    #expect(abs(exact.slope - 2) < 1e-12 && abs(exact.intercept - 3) < 1e-12)
    #expect(exact.rSquared.map { abs($0 - 1) < 1e-12 } == true)
    let bent = try #require(LinearFit([(0, 0), (1, 1), (2, 0)]))
    let explained = try #require(bent.rSquared)
    #expect(bent.slope == 0 && abs(bent.intercept - 1.0 / 3) < 1e-12 && abs(explained) < 1e-12)
    let two = try #require(LinearFit([(1, 1), (3, 2)]))
    #expect(two.rSquared == nil)
    #expect(LinearFit([(1, 1), (1, 2)]) == nil && LinearFit([]) == nil)
  }
}
