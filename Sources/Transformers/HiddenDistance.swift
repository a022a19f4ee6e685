internal import Compute

/// The distance of a student's hidden states to its teacher's after each layer (hidden-state distillation, Jiao et al. 2020,
/// TinyBERT): per token ‖student − teacher‖² / ‖teacher‖², a mean over tokens that have a target.
///
/// A logit's divergence says what is wrong, a hidden state where.
struct HiddenDistance {
  private let backend: any ComputeBackend
  private let scale: Float
  /// By layer, then by batch.
  private var taught: [Int: [Matrix]] = [:]

  /// - Parameters:
  ///   - weight: of each layer; 0 for none.
  ///   - targets: of all ranks together.
  init(backend: any ComputeBackend, weight: Float, targets: Int) {
    self.backend = backend
    scale = weight / Float(max(1, targets))
  }

  /// Keeps the teacher's states after a layer. After the last one the head's divergence compares them better.
  mutating func keep(_ states: [Matrix], layer: Int, of layers: Int) {
    if scale != 0, layer + 1 < layers { taught[layer] = states }
  }

  /// The share of a batch after a layer; adds its gradient to that of the student's states.
  func add(_ student: Matrix, layer: Int, number: Int, batch: TokenBatch, to gradient: Matrix) throws -> Double {
    guard let teacher = taught[layer]?[number] else { return 0 }
    let (own, other) = (backend.floats(student), backend.floats(teacher))
    let width = student.columns
    var value = 0.0
    try backend.update(gradient) { gradient in
      for (token, target) in batch.targets.enumerated() where target >= 0 {
        var (difference, length): (Float, Float) = (0, 0)
        for place in token * width..<(token + 1) * width {
          difference += (own[place] - other[place]) * (own[place] - other[place])
          length += other[place] * other[place]
        }
        let factor = scale / max(length, .leastNormalMagnitude)
        value += Double(difference * factor)
        for place in token * width..<(token + 1) * width { gradient[place] += 2 * factor * (own[place] - other[place]) }
      }
    }
    return value
  }
}
