internal import Compute

/// How fast one rank multiplies in float32.
enum DoctorProducts {
  /// Seconds that are measured: long enough for clocks to settle, and for another job to show.
  private static let seconds = 0.5
  private static let sizes = [256, 1024]
  /// A product that took so long is not made larger.
  private static let patience = 0.05

  /// Floating-point operations per second, of as many products as fit into the time: what another job takes is missing.
  static func rate(_ backend: any ComputeBackend) throws -> Double {
    var rate = 0.0
    for size in sizes {
      let (a, b) = (try backend.makeNoise(size, size), try backend.makeNoise(size, size))
      let c = try backend.makeMatrix(size, size)
      // The first product wakes threads and takes memory.
      backend.multiply(a, .none, b, .none, into: c, adding: false)
      let start = ContinuousClock.now
      var (count, elapsed) = (0.0, 0.0)
      repeat {
        backend.multiply(a, .none, b, .none, into: c, adding: false)
        count += 1
        elapsed = max(1e-9, start.duration(to: .now).seconds)
      } while elapsed < (size == sizes.last ? seconds : patience)
      rate = 2 * Double(size) * Double(size) * Double(size) * count / elapsed
      if elapsed / count > patience { break }
    }
    backend.releaseUnusedMemory()
    return rate
  }
}
