import Glibc
import Optimization
import Testing

/// Adam's kernel against its formula, in float and in double precision.
@Suite struct AdamTests {
  /// The same formula in plain Swift, which fuses nothing.
  struct Formula<Number: BinaryFloatingPoint> {
    let settings: Adam.Settings
    var parameters: [Number]
    var firstMoments: [Number]
    var secondMoments: [Number]

    init(_ settings: Adam.Settings, parameters: [Float]) {
      self.settings = settings
      self.parameters = parameters.map { Number($0) }
      firstMoments = Array(repeating: 0, count: parameters.count)
      secondMoments = firstMoments
    }

    /// Step number `step`, from 1.
    mutating func update(gradients: [Float], learningRate: Float, step: Int) {
      let (beta1, beta2) = (Number(settings.beta1), Number(settings.beta2))
      let correction1 = Number(1 - pow(Double(settings.beta1), Double(step)))
      let correction2 = Number(1 - pow(Double(settings.beta2), Double(step)))
      for (i, gradient) in gradients.map({ Number($0) }).enumerated() {
        firstMoments[i] = beta1 * firstMoments[i] + (1 - beta1) * gradient
        secondMoments[i] = beta2 * secondMoments[i] + (1 - beta2) * gradient * gradient
        let deviation = (secondMoments[i] / correction2).squareRoot() + Number(settings.epsilon)
        let decay = Number(settings.weightDecay) * parameters[i]
        parameters[i] -= Number(learningRate) * (firstMoments[i] / correction1 / deviation + decay)
      }
    }
  }

  static let settings = [
    Adam.Settings(), Adam.Settings(weightDecay: 0.1),
    Adam.Settings(beta1: 0, beta2: 0.9, epsilon: 1e-3, weightDecay: 2),
  ]

  /// Bit for bit: ranks on different processors, and a continued run, must not drift apart. Double precision says that
  /// float rounding is all that is lost.
  @Test(arguments: settings, [1, 3, 16, 35, 1000])
  func everyStepIsTheFormula(_ settings: Adam.Settings, count: Int) {
    var random = Xorshift()
    var parameters = (0..<count).map { _ in random.number() }
    var optimizer = Adam(count: count, settings: settings)
    var formula = Formula<Float>(settings, parameters: parameters)
    var exact = Formula<Double>(settings, parameters: parameters)
    for step in 1...30 {
      let gradients = (0..<count).map { _ in random.number() * (step % 5 == 0 ? 0 : exp2f(Float(step % 7) * 4 - 12)) }
      optimizer.update(&parameters, gradients: gradients, learningRate: 0.01)
      formula.update(gradients: gradients, learningRate: 0.01, step: step)
      exact.update(gradients: gradients, learningRate: 0.01, step: step)
      #expect(parameters.map(\.bitPattern) == formula.parameters.map(\.bitPattern), "step \(step)")
      #expect(optimizer.firstMoments == formula.firstMoments && optimizer.secondMoments == formula.secondMoments)
    }
    for i in 0..<count {
      #expect(abs(Double(parameters[i]) - exact.parameters[i]) < 2e-6)
      #expect(
        abs(Double(optimizer.firstMoments[i]) - exact.firstMoments[i]) <= 1e-5 * abs(exact.firstMoments[i]) + 1e-6)
      #expect(abs(Double(optimizer.secondMoments[i]) - exact.secondMoments[i]) <= 1e-5 * exact.secondMoments[i])
    }
  }

  /// Without gradients, what is left of a parameter is what decay leaves.
  @Test func decayAlone() {
    var parameters: [Float] = [1, -2, 0.5, 0]
    var optimizer = Adam(count: 4, settings: Adam.Settings(weightDecay: 0.5))
    for _ in 0..<3 { optimizer.update(&parameters, gradients: [0, 0, 0, 0], learningRate: 0.5) }
    // Three times a quarter is taken away.
    #expect(parameters == [0.421875, -0.84375, 0.2109375, 0])
  }

  private struct Xorshift {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Between −1 and 1.
    mutating func number() -> Float {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Float(Int32(truncatingIfNeeded: state >> 20)) * 0x1p-31
    }
  }
}
