/// Gradients that tests make up.
public enum GradientSamples {
  /// Values of about normal distribution around 0, different on each rank and in each step, of sizes that differ by
  /// stretch as layers' do.
  public static func gradient(_ count: Int, rank: Int = 0, step: Int = 0) -> [Float] {
    var state = UInt64(count) &* 31 &+ UInt64(rank) &* 1009 &+ UInt64(step) &* 100_003 &+ 17
    func uniform() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) - 0.5
    }
    return (0..<count).map { index in
      let normal = uniform() + uniform() + uniform() + uniform()
      return normal * [1e-3, 1, 40][index / 300 % 3]
    }
  }

  /// The values by which codecs are tripped: zeros of both signs, subnormals, the greatest.
  public static let extremes: [Float] = [
    0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 63 * .leastNonzeroMagnitude,
    1, -1, 1 + .ulpOfOne, Float(bitPattern: 0x3F80_8000), Float(bitPattern: 0x3F81_8000), 1e-30, -1e30,
  ]

  /// Values whose bits are random, finite ones: nothing can be compressed.
  public static func noise(_ count: Int) -> [Float] {
    var state: UInt64 = 5
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: state >> 32))
      return value.isFinite ? value : 1
    }
  }
}

/// The bits of values, which tell zeros of different sign apart.
public func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
