import Architectures
import Artifacts
import ModelTestSupport
import Saliency
import TestSupport
import Testing

/// Scores with products in bf16 rank units as float32's do: what `resources.compute: auto` relies on.
@Suite struct BFloat16ScoresTests {
  @Test func demo() throws {
    try check(try Model(path: Fixtures.demoModel), golden: "nirvana-demo")
  }

  @Test(.enabled(if: Fixtures.smolLM2 != nil)) func smolLM2() throws {
    try check(try Model(path: try #require(Fixtures.smolLM2)), golden: "nirvana-smollm2-135m")
  }

  private func check(_ model: Model, golden: String) throws {
    guard let backend = TestedBackend.makeBFloat16() else { return }
    let sequences = try Fixtures.golden(golden).sequences()
    let rounded = try ScoringRun(model, backend: backend).score(sequences)
    let exact = try ScoringRun(model).score(sequences)
    #expect(abs(rounded.objective - exact.objective) < 1e-3 * abs(exact.objective))
    var (kept, common) = (0, 0)
    for pool in [\ScoreTable.Layer.attention, \.mlp] {
      let (a, b) = (flat(rounded.layers, pool), flat(exact.layers, pool))
      #expect(a != b, "nothing was rounded")
      #expect(correlation(ranks(a), ranks(b)) > 0.999)
      let removed = a.count * 2 / 5
      let keptUnits = [a, b].map { scores in
        Set(zip(ranks(scores), scores.indices).filter { Int($0.0) >= removed }.map(\.1))
      }
      kept += keptUnits[1].count
      common += keptUnits[0].intersection(keptUnits[1]).count
    }
    #expect(Double(common) >= 0.99 * Double(kept))
  }

  /// Each number's place in the ascending order.
  private func ranks(_ values: [Float]) -> [Double] {
    var ranks = [Double](repeating: 0, count: values.count)
    for (rank, index) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() {
      ranks[index] = Double(rank)
    }
    return ranks
  }

  /// Pearson's, which of ranks is Spearman's.
  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let mean = Double(a.count - 1) / 2
    let products = zip(a, b).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    return products / a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }
}
