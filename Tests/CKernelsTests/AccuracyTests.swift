import Glibc
import Testing

/// A kernel that computes what libm's functions would, one number of each of a list, and how near it must come.
struct MeasuredKernel: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The arguments that the bound holds for.
  let domain: ClosedRange<Float>
  /// The largest error allowed, in units in the last place of the exact result, or of `unit` where that is given.
  let bound: Double
  var unit: Double?
  let run: @Sendable ([Float]) -> [Float]
  let exact: @Sendable (Double) -> Double

  /// The largest error over every 2053rd float of the domain, and where it is.
  func largestError() -> (error: Double, argument: Float, arguments: Int) {
    let arguments = stride(from: UInt32(0), to: .max - 2053, by: 2053).map { Float(bitPattern: $0) }
      .filter { domain.contains($0) }
    var worst = (error: 0.0, argument: Float.nan, arguments: arguments.count)
    for (argument, value) in zip(arguments, run(arguments)) {
      let expected = exact(Double(argument))
      let error = abs(Double(value) - expected) / (unit ?? Double(Float(expected).ulp))
      if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, argument, arguments.count) }
    }
    return worst
  }
}

/// The kernels' errors against double precision, over a dense sweep of the bit patterns of floats: every exponent of both
/// signs, thousands of mantissas of each.
@Suite struct AccuracyTests {
  static let finite = -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude

  static let forwardKernels: [MeasuredKernel] = [
    MeasuredKernel(testDescription: "exp", domain: -87...88, bound: 2, run: Kernels.exponential) { exp($0) },
    MeasuredKernel(
      testDescription: "silu", domain: -87...Float.greatestFiniteMagnitude, bound: 3, run: Kernels.silu
    ) { $0 / (1 + exp(-$0)) },
    MeasuredKernel(testDescription: "GELU", domain: finite, bound: 0.51, run: Kernels.gelu) { $0 * normal($0) },
    MeasuredKernel(
      testDescription: "GELU by tanh", domain: finite, bound: 0.51, run: Kernels.geluByTanh
    ) { $0 * logistic($0) },
  ]

  @Test(arguments: forwardKernels) func forward(_ kernel: MeasuredKernel) { check(kernel) }

  /// Near the derivatives' root, where the last place is as small as one likes, what is bounded is the error itself.
  @Test(arguments: [
    (domain: -Float.greatestFiniteMagnitude ... -0.8, isRelative: true), (-0.8 ... -0.7, false),
    (-0.7...Float.greatestFiniteMagnitude, true),
  ])
  func backward(_ domain: ClosedRange<Float>, isRelative: Bool) {
    let (bound, unit) = isRelative ? (0.51, nil) : (1, 1e-9)
    check(
      MeasuredKernel(
        testDescription: "GELU'", domain: domain, bound: bound, unit: unit, run: Kernels.geluSlope
      ) { x in
        abs(x) > 1e3 ? (x > 0 ? 1 : 0) : Self.normal(x) + x * exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
      })
    check(
      MeasuredKernel(
        testDescription: "GELU' by tanh", domain: domain, bound: bound, unit: unit, run: Kernels.geluSlopeByTanh
      ) { x in
        let slope = 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
        return abs(x) > 1e3 ? (x > 0 ? 1 : 0) : Self.logistic(x) * (1 + x * slope * Self.logistic(-x))
      })
  }

  private func check(_ kernel: MeasuredKernel) {
    let worst = kernel.largestError()
    #expect(worst.arguments > 500)
    #expect(worst.error <= kernel.bound, "\(kernel.testDescription) at \(worst.argument)")
  }

  /// The normal distribution function, by erfc so that its tail is exact.
  private static func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.squareRoot()) }

  /// (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2, so that its tail is exact.
  private static func logistic(_ x: Double) -> Double {
    1 / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }
}
