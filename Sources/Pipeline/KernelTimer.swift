internal import Communication
internal import Compute
internal import Tensors

/// Times pieces of work that a rank does by itself, while all ranks do the same.
struct KernelTimer {
  let communicator: any Communicator
  /// Runs of which the best counts.
  let repeats: Int
  /// A run is at least as long, made of as many calls as it takes: the clock and the first caches are not what is measured.
  private static let leastSeconds = 0.005

  /// Seconds of one call of `body`: the best of several runs after a call that does not count, on the slowest rank.
  /// Collective; `body` is not.
  func seconds(_ body: () throws -> Void) throws -> Double {
    try communicator.barrier()
    let once = try measure(1, body)
    let calls = max(1, Int(min(1000, Self.leastSeconds / max(once, 1e-9))))
    var best = Double.infinity
    for _ in 0..<repeats { best = min(best, try measure(calls, body)) }
    return try communicator.maximum(of: max(best, 1e-9))
  }

  private func measure(_ calls: Int, _ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    for _ in 0..<calls { try body() }
    return start.duration(to: .now).seconds / Double(calls)
  }
}

extension ComputeBackend {
  /// A matrix of numbers between −1 and 1: zeros would be too easy for some processors.
  func makeNoise(_ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = try makeMatrix(rows, columns)
    var state: UInt32 = 0x9E37_79B9
    try update(matrix) { values in
      for index in values.indices {
        // Marsaglia's xorshift (2003).
        state ^= state << 13
        state ^= state >> 17
        state ^= state << 5
        values[index] = Float(Int32(bitPattern: state)) * 0x1p-31
      }
    }
    return matrix
  }

  /// A weight of such numbers, stored in `type` and multiplied as a checkpoint's.
  func makeNoiseWeight(_ rows: Int, _ columns: Int, _ type: ElementType) throws -> Matrix {
    let noise = try makeNoise(rows, columns)
    let stored = try StoredTensor(
      name: "noise", elementType: type, shape: [rows, columns], values: floats(noise))
    return try makeWeight(stored, rows: 0..<rows)
  }
}
