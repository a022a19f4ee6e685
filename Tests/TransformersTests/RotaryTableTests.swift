import Blueprints
import Compute
import TestSupport
import Testing
import Transformers

/// Cosines and sines as Hugging Face's `LlamaRotaryEmbedding` computes them (transformers 5.23, heads of width 64).
@Suite struct RotaryTableTests {
  /// One position: cosines and sines of pairs 0, 5, 14, 17, 20 and 31.
  struct Golden: Sendable {
    let position: Int
    let cosines: [Float]
    let sines: [Float]
  }

  static let pairs = [0, 5, 14, 17, 20, 31]

  static let llama3 = [
    Golden(
      position: 1, cosines: [0.5403023362, 0.9917311668, 0.9999948740, 1, 1, 1],
      sines: [0.8414709568, 0.1283324957, 0.003211440518, 1.785077911e-4, 3.428102354e-5, 3.767322596e-7]),
    Golden(
      position: 100, cosines: [0.8623188734, 0.9546341300, 0.9488747716, 0.9998406768, 0.9999940991, 1],
      sines: [-0.5063656569, 0.2977811992, 0.3156528473, 0.01784983091, 0.003428095719, 3.767322778e-5]),
    Golden(
      position: 2047, cosines: [0.2497152537, 0.8912430406, 0.9580593109, 0.9339789748, 0.9975388646, 0.9999997020],
      sines: [-0.9683192968, -0.4535260499, 0.2865700722, 0.3573279977, 0.07011567801, 7.711708895e-4]),
  ]

  static let linear = [
    Golden(
      position: 100, cosines: [0.9912028313, 0.9377328753, 0.9027957320, 0.9824782610, 0.9968765974, 0.9999944568],
      sines: [-0.1323517561, -0.3473572731, 0.4300695956, 0.1863773316, 0.07897461951, 0.003333797446]),
    Golden(
      position: 2047,
      cosines: [-0.9461710453, -0.3928459883, -0.9478315115, -0.7674186230, -0.04748148471, 0.9976723194],
      sines: [0.3236669898, 0.9196043015, 0.3187717199, -0.6411463618, 0.9988721013, 0.06819000095]),
  ]

  static let plain = [
    Golden(
      position: 2047,
      cosines: [0.2497152537, -0.04408674315, 0.2696823180, -0.9367297292, 0.9820047617, 0.9629739523],
      sines: [-0.9683192968, 0.9990277290, -0.9629493356, 0.3500534296, 0.1888563186, 0.2695944309])
  ]

  @Test func llama3Scaling() {
    let rotary = RotarySpecification(
      theta: 500_000,
      scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositions: 8192))
    check(rotary, Self.llama3)
  }

  @Test func linearScaling() {
    check(RotarySpecification(theta: 10_000, scaling: .linear(factor: 4)), Self.linear)
  }

  @Test func noScaling() { check(RotarySpecification(theta: 10_000, scaling: .none), Self.plain) }

  @Test func tablesAreShared() {
    let tables = RotaryTables(positions: 7)
    let rotary = RotarySpecification(theta: 10_000, scaling: .none)
    #expect(tables.table(rotary, headWidth: 8).half == 4)
    #expect(tables.table(rotary, headWidth: 8).positions == 7)
    #expect(tables.table(rotary, headWidth: 16).half == 8)
    #expect(RotaryTables(positions: 0).table(rotary, headWidth: 8).positions == 1)
  }

  private func check(_ rotary: RotarySpecification, _ golden: [Golden]) {
    let table = RotaryTable(rotary, headWidth: 64, positions: 2048)
    for place in golden {
      let indices = Self.pairs.map { place.position * table.half + $0 }
      // A frequency is rounded to 24 bits, and 2047 times that rounding is in the angle.
      #expect(largestDifference(indices.map { table.cosines[$0] }, place.cosines) < 2e-4)
      #expect(largestDifference(indices.map { table.sines[$0] }, place.sines) < 2e-4)
    }
  }
}
