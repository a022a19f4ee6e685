import Compute
import TestSupport
import Testing

/// The gradients of attention with respect to query, key and value.
@Suite struct AttentionGradientTests {
  @Test(arguments: Setup.all, AttentionCase.small + AttentionCase.smallWindows)
  func centralDifferences(_ setup: Setup, shape: AttentionCase) throws {
    try check(try AttentionRun(shape, setup), samples: 40)
  }

  /// Few elements of long sequences, on both sides of a tile's edge.
  @Test(arguments: Setup.all, [false, true])
  func centralDifferencesAcrossTiles(_ setup: Setup, isCausal: Bool) throws {
    let shape = AttentionCase(lengths: [130], queryHeads: 2, keyValueHeads: 1, width: 2, isCausal: isCausal)
    try check(try AttentionRun(shape, setup), samples: 6)
  }

  /// The same with a window shorter than a tile, and with two tiles of keys.
  @Test(arguments: Setup.all, [(130, 40), (514, nil), (514, 200)] as [(Int, Int?)])
  func centralDifferencesAcrossTilesOfKeys(_ setup: Setup, shape: (length: Int, window: Int?)) throws {
    let shape = AttentionCase(
      lengths: [shape.length], queryHeads: 2, keyValueHeads: 1, width: 2, isCausal: true, slidingWindow: shape.window)
    try check(try AttentionRun(shape, setup), samples: 3)
  }

  /// Every element of long sequences, one backend against the other.
  @Test(arguments: AttentionCase.long + AttentionCase.longWindows + AttentionCase.longKeys, [false, true])
  func backendsAgree(_ shape: AttentionCase, usesViews: Bool) throws {
    let reference = try AttentionRun(shape, Setup(tested: .reference, usesViews: false))
    let expected = try reference.backward()
    for tested in TestedBackend.allCases where tested != .reference {
      let run = try AttentionRun(shape, Setup(tested: tested, usesViews: usesViews))
      let gradients = try run.backward()
      // Where a window lets a single key through, the gradients of query and key are differences of equal products: zero,
      // or their rounding. So they are held against what value's gradient is as well.
      let scale = norm(reference.bench.backend.floats(expected.dValue))
      for (gradient, other) in [
        (gradients.dQuery, expected.dQuery), (gradients.dKey, expected.dKey), (gradients.dValue, expected.dValue),
      ] {
        let (ours, theirs) = (run.bench.backend.floats(gradient), reference.bench.backend.floats(other))
        let least = shape.slidingWindow == 1 ? scale : 0
        #expect(relativeError(ours, theirs, least: least) < 3e-6)
      }
      #expect(run.bench.bordersAreIntact)
    }
  }

  /// A nearly one-hot softmax has small gradients, but none is NaN. The recomputed probabilities inherit the rounding of
  /// the kept logarithms, a few parts in 1e5 for scores of 200.
  @Test(arguments: Setup.all, [80.0, 200])
  func extremeScores(_ setup: Setup, scale: Double) throws {
    for isCausal in [false, true] {
      let shape = AttentionCase(lengths: [9, 2], queryHeads: 2, keyValueHeads: 2, width: 3, isCausal: isCausal)
      try check(try AttentionRun(shape, setup, queryScale: scale), samples: 40, within: 2e-4)
    }
  }

  private func check(_ run: AttentionRun, samples: Int, within tolerance: Double = 4e-6) throws {
    let gradients = try run.backward()
    let bench = run.bench
    let dQuery = bench.gradientDistance(gradients.dQuery, at: run.query, samples: samples) {
      run.loss($0, run.key, run.value)
    }
    let dKey = bench.gradientDistance(gradients.dKey, at: run.key, samples: samples) {
      run.loss(run.query, $0, run.value)
    }
    let dValue = bench.gradientDistance(gradients.dValue, at: run.value, samples: samples) {
      run.loss(run.query, run.key, $0)
    }
    #expect(dQuery < tolerance)
    #expect(dKey < tolerance)
    #expect(dValue < tolerance)
    #expect(bench.bordersAreIntact)
  }
}
