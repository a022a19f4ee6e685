import Calibration
import Testing

/// Tokens drawn from a model's logits.
@Suite struct TokenSamplerTests {
  private func draw(
    _ logits: [Float], temperature: Double = 1, seed: UInt64 = 0, sequence: Int = 0, position: Int = 0
  ) throws -> Int {
    Int(
      try TokenSampler(temperature: temperature, seed: seed).draw(logits.span, sequence: sequence, position: position))
  }

  /// Logits of tokens 0 ..< `count`: a wave, so that great and small ones lie all over the vocabulary.
  private func wave(_ count: Int) -> [Float] { (0..<count).map { Float($0 % 7) * 0.4 - Float($0 % 3) } }

  /// Each token comes as often as softmax says: of n draws, the number of each lies within 5 standard deviations.
  @Test(arguments: [0.5, 1, 3], [5, 64, 100]) func frequencies(temperature: Double, vocabulary: Int) throws {
    let logits = wave(vocabulary)
    let sampler = TokenSampler(temperature: temperature, seed: 7)
    let count = 20_000
    var drawn = Array(repeating: 0, count: vocabulary)
    for number in 0..<count {
      drawn[Int(try sampler.draw(logits.span, sequence: number / 100, position: number % 100))] += 1
    }
    let masses = logits.map { exponential(Double($0) / temperature) }
    let total = masses.reduce(0, +)
    for (token, mass) in masses.enumerated() {
      let share = mass / total
      let deviation = (Double(count) * share * (1 - share)).squareRoot()
      #expect(abs(Double(drawn[token]) - Double(count) * share) < 5 * deviation + 1, "token \(token): \(drawn[token])")
    }
  }

  /// e to the power of x, by its series.
  private func exponential(_ x: Double) -> Double {
    var (sum, term) = (1.0, 1.0)
    for index in 1..<80 {
      term *= x / Double(index)
      sum += term
    }
    return sum
  }

  /// The same number of the same sequence gives the same token, whatever was drawn before; another place, sequence or seed
  /// gives others.
  @Test func dependsOnItsPlaceAlone() throws {
    let logits = wave(1000)
    func tokens(_ seed: UInt64, _ places: [(sequence: Int, position: Int)]) throws -> [Int] {
      let sampler = TokenSampler(temperature: 1, seed: seed)
      return try places.map { Int(try sampler.draw(logits.span, sequence: $0.sequence, position: $0.position)) }
    }
    let places = (0..<6).flatMap { sequence in (0..<6).map { (sequence: sequence, position: $0) } }
    let own = try tokens(3, places)
    #expect(try tokens(3, places.reversed()) == own.reversed())
    #expect(try draw(logits, seed: 3, sequence: 4, position: 5) == own[4 * 6 + 5])
    #expect(try tokens(4, places) != own)
    // Neither rows nor columns nor diagonals repeat each other.
    let rows = (0..<6).map { row in Array(own[row * 6..<row * 6 + 6]) }
    #expect(Set(rows).count == 6)
    #expect(Set((0..<6).map { column in rows.map { $0[column] } }).count == 6)
    #expect(rows[0].dropFirst() != rows[1].dropLast())
  }

  /// Near 0 the greatest is drawn, also where 1 / temperature is beyond float32; far above 1 all are drawn alike.
  @Test func temperatures() throws {
    var logits = wave(300)
    logits[217] = 2.5
    for temperature in [1e-3, 1e-30, Double.leastNonzeroMagnitude] {
      for place in 0..<50 { #expect(try draw(logits, temperature: temperature, position: place) == 217) }
    }
    let drawn = try (0..<600).map { try draw([-80, 0, 80], temperature: 1e300, position: $0) }
    for token in 0..<3 { #expect(abs(drawn.count { $0 == token } - 200) < 60) }
  }

  /// A token that cannot be is never drawn, and the only one that can be always.
  @Test func certainties() throws {
    #expect(try draw([-3]) == 0)
    var logits = Array(repeating: -Float.infinity, count: 130)
    logits[129] = -1e30
    for place in 0..<20 { #expect(try draw(logits, position: place) == 129) }
    logits[0] = 0
    for place in 0..<20 { #expect(try draw(logits, temperature: 1e300, position: place) % 129 == 0) }
  }

  @Test(arguments: [[0, Float.nan, 1], [.nan], [1, .infinity], [-.infinity, -.infinity]])
  func whatIsNoNumber(logits: [Float]) {
    let error = #expect(throws: CalibrationError.self) { try draw(logits, sequence: 12, position: 40) }
    #expect(error?.code == .notFinite)
    #expect(
      error?.message == "token 40 of sequence 12: the model's logits are NaN or infinite; check the model's weights")
  }
}
