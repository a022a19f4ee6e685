internal import Blueprints
public import Compute

/// Dropout of the adapters' inputs, as PEFT applies it: each number is left out with a probability and the others are
/// scaled up to make up for it.
///
/// What is left out depends on the seed, the weight, the sequence's number in the step and the token's place in it, and
/// so neither on the rank that computes it nor on the batch that it is in; a backward pass meets the same.
public struct AdapterDropout: Sendable {
  private let probability: Float
  private let seed: UInt64
  private let layout: SequenceLayout
  private let sequences: [Int]

  /// - Parameters:
  ///   - probability: of a number to be left out, from 0 and below 1.
  ///   - seed: another for every step.
  ///   - sequences: the numbers in the step of the batch's sequences.
  public init(probability: Float, seed: UInt64, layout: SequenceLayout, sequences: Range<Int>) {
    precondition(sequences.count == layout.count, "\(sequences.count) numbers for \(layout.count) sequences")
    self.probability = probability
    self.seed = seed
    self.layout = layout
    self.sequences = Array(sequences)
  }

  /// Leaves out numbers of `x` `[token, in]`, or of its gradient, in place.
  func apply(to x: Matrix, role: TensorRole, backend: any ComputeBackend) throws {
    let threshold = UInt32(Double(probability) * 4_294_967_296)
    let factor = 1 / (1 - probability)
    let width = x.columns
    try backend.update(x) { values in
      for (index, sequence) in sequences.enumerated() {
        var state = Self.mixed(seed ^ Self.mixed(role.number) ^ Self.mixed(UInt64(sequence) &+ 0x5851_F42D_4C95_7F2D))
        for place in layout.rows(of: index).lowerBound * width..<layout.rows(of: index).upperBound * width {
          state &+= 0x9E37_79B9_7F4A_7C15
          values[place] = UInt32(truncatingIfNeeded: Self.mixed(state) >> 32) < threshold ? 0 : values[place] * factor
        }
      }
    }
  }

  /// SplitMix64's output function (Steele et al. 2014).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension TensorRole {
  /// A number of its own, the same on every rank.
  fileprivate var number: UInt64 {
    // FNV-1a.
    description.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
