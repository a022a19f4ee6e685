internal import CKernels

/// Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019) over one flat vector.
public struct Adam: Sendable, Equatable {
  /// The constants of both papers, named as they name them.
  public struct Settings: Sendable, Equatable {
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    /// Share of a parameter that a step takes away, times the learning rate; 0 for Adam.
    public var weightDecay: Float

    public init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  public let settings: Settings
  /// Running means of the gradients and of their squares, one of each per parameter.
  public var firstMoments: [Float]
  public var secondMoments: [Float]
  /// How many updates were made.
  public var steps = 0

  /// An optimizer of `count` parameters before its first step.
  public init(count: Int, settings: Settings = Settings()) {
    self.settings = settings
    firstMoments = Array(repeating: 0, count: count)
    secondMoments = Array(repeating: 0, count: count)
  }

  /// Moves the parameters one step against their gradients.
  public mutating func update(_ parameters: inout [Float], gradients: [Float], learningRate: Float) {
    precondition(
      parameters.count == firstMoments.count && gradients.count == firstMoments.count,
      "\(gradients.count) gradients of \(parameters.count) parameters for \(firstMoments.count)")
    steps += 1
    let step = ck_adam_step(
      learning_rate: learningRate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
      weight_decay: settings.weightDecay, correction1: Self.correction(settings.beta1, steps),
      correction2: Self.correction(settings.beta2, steps))
    unsafe ck_adam(&parameters, &firstMoments, &secondMoments, gradients, gradients.count, step)
  }

  /// 1 − βᵗ, in double precision: β2's is small for long.
  private static func correction(_ beta: Float, _ steps: Int) -> Float {
    var (power, factor, rest) = (1.0, Double(beta), steps)
    while rest > 0 {
      if rest & 1 == 1 { power *= factor }
      factor *= factor
      rest >>= 1
    }
    return Float(1 - power)
  }
}
