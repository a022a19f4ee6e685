internal import Glibc

/// Draws tokens from softmax(logits / temperature).
///
/// What is drawn depends on the logits, the seed, the sequence's number and the position alone: not on what else is drawn, by
/// whom, or in which order.
public struct TokenSampler: Sendable, Equatable {
  /// What logits are divided by, above 0: 1 for the model's own distribution; near 0 the greatest logit's token is drawn.
  public let temperature: Double
  public let seed: UInt64
  /// 1 / temperature, a number that neither makes 0 of a difference nor NaN of none.
  private let factor: Float

  public init(temperature: Double, seed: UInt64) {
    precondition(temperature > 0, "a temperature is above 0")
    self.temperature = temperature
    self.seed = seed
    factor = max(.leastNormalMagnitude, min(Float(1 / temperature), .greatestFiniteMagnitude))
  }

  /// Parts of the vocabulary whose mass is noted, so that the one with the drawn token alone is gone through again.
  private static let parts = 64

  /// A token of the vocabulary.
  ///
  /// - Parameters:
  ///   - logits: `[vocabulary]`, at least one.
  ///   - sequence: the sequence's number, 0 or more.
  ///   - position: the place that the token will have in it, 0 or more.
  /// - Throws: ``CalibrationError`` with `notFinite` for logits of which one is NaN or positively infinite, or all are
  ///   negatively infinite.
  public func draw(_ logits: Span<Float>, sequence: Int, position: Int) throws(CalibrationError) -> Int32 {
    precondition(!logits.isEmpty, "a vocabulary has at least one token")
    var (greatest, maximum) = (0, -Float.infinity)
    for token in logits.indices where logits[token] > maximum { (greatest, maximum) = (token, logits[token]) }
    let width = (logits.count + Self.parts - 1) / Self.parts
    func part(_ number: Int) -> Range<Int> {
      min(number * width, logits.count)..<min((number + 1) * width, logits.count)
    }
    func mass(_ token: Int) -> Double { Double(exp((logits[token] - maximum) * factor)) }

    var masses = InlineArray<64, Double>(repeating: 0)
    var total = 0.0
    for number in 0..<Self.parts {
      var sum = 0.0
      for token in part(number) { sum += mass(token) }
      masses[number] = sum
      total += sum
    }
    // The greatest logit's mass is 1, unless it is infinite; NaN passes into the sum.
    guard total.isFinite else {
      throw CalibrationError(
        .notFinite,
        "token \(position) of sequence \(sequence): the model's logits are NaN or infinite; check the model's weights")
    }
    var rest = Self.uniform(seed: seed, sequence: sequence, position: position) * total
    for number in 0..<Self.parts {
      guard rest < masses[number] else {
        rest -= masses[number]
        continue
      }
      for token in part(number) {
        let mass = mass(token)
        if rest < mass { return Int32(truncatingIfNeeded: token) }
        rest -= mass
      }
    }
    // Sums were rounded, and the number drawn was nearly 1.
    return Int32(truncatingIfNeeded: greatest)
  }

  /// A number from 0 to below 1 that follows from the three alone.
  private static func uniform(seed: UInt64, sequence: Int, position: Int) -> Double {
    // Numbered seeds are hashed once more: neighbors would give the same numbers one place on.
    var first = SplitMix64(seed: seed)
    var second = SplitMix64(seed: first.next() &+ UInt64(truncatingIfNeeded: sequence))
    var third = SplitMix64(seed: second.next() &+ UInt64(truncatingIfNeeded: position))
    return Double(third.next() >> 11) * 0x1p-53
  }
}
